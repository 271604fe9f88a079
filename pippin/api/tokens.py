"""A bearer token (RFC 6750): `pippin_<id>_<secret>`. The token's record has this id and only a hash of the secret."""

import re
import secrets
from collections.abc import Collection
from datetime import UTC, datetime
from hashlib import sha256
from typing import Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field

from pippin.api import names
from pippin.ids import new_id

Role = Literal["admin", "submit", "read", "worker"]
"""The permissions of a token. Roles are fixed; each allows everything that its included roles allow."""

ROLES: tuple[Role, ...] = get_args(Role)

_INCLUDED: dict[Role, frozenset[Role]] = {
    "admin": frozenset(ROLES),
    "submit": frozenset({"submit", "read"}),
    "read": frozenset({"read"}),
    "worker": frozenset({"worker"}),
}

DEFAULT_TENANT = "default"
"""The tenant of tokens that name none, and of requests without a token."""

_PREFIX = "token"
_TEXT = re.compile(r"pippin_([0-9a-z]{26})_([0-9a-f]{64})", re.ASCII)


class Quotas(BaseModel):
    """The limits of one token; None means no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queued_jobs: int | None = Field(
        default=None, ge=0, description="Maximum number of its jobs that wait for a worker."
    )
    active_jobs: int | None = Field(
        default=None, ge=0, description="Maximum number of its jobs that wait or run, together."
    )
    stored_bytes: int | None = Field(
        default=None, ge=0, description="Maximum size in bytes of the datasets and models that it added."
    )
    requests_per_minute: int | None = Field(default=None, ge=1, description="Maximum number of requests per minute.")


_NO_QUOTAS = Quotas()


class Token(BaseModel):
    """The record of a token.

    Attributes:
        id: `token_` and 26 characters; not secret.
        name: A name chosen by its creator, for example the machine that uses the token.
        role: The token's permissions.
        tenant: The tenant whose jobs, datasets and models are visible. Blobs, workers and tokens belong to no tenant.
        quotas: The token's limits.
        created_at: Time of creation.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str | None
    role: Role
    tenant: str = DEFAULT_TENANT
    quotas: Quotas = _NO_QUOTAS
    created_at: datetime


class NewToken(NamedTuple):
    """A new token.

    Attributes:
        record: The record to store, beside the hash of the secret.
        text: The token itself, to be shown once and never stored.
        hash: The hash of the secret.
    """

    record: Token
    text: str
    hash: str


class Parsed(NamedTuple):
    """The parts of a token's text."""

    id: str
    secret: str


def issue(role: Role, name: str | None, *, tenant: str = DEFAULT_TENANT, quotas: Quotas = _NO_QUOTAS) -> NewToken:
    """Make a token whose secret has 256 random bits, so that a plain hash is safe against brute force.

    Raises:
        InvalidNameError: The name is not allowed.
    """
    if name is not None:
        names.require(name)
    token_id, secret = new_id(_PREFIX), secrets.token_hex(32)
    record = Token(id=token_id, name=name, role=role, tenant=tenant, quotas=quotas, created_at=datetime.now(UTC))
    return NewToken(record, f"pippin_{token_id.removeprefix(f'{_PREFIX}_')}_{secret}", secret_hash(secret))


def adopt(text: str, role: Role, name: str) -> NewToken:
    """A new record for a token that was made elsewhere.

    Raises:
        ValueError: The text does not have the form of a token.
    """
    shown = parse(text)
    if shown is None:
        raise ValueError("it does not have the form of a token")
    record = Token(id=shown.id, name=name, role=role, created_at=datetime.now(UTC))
    return NewToken(record, text, secret_hash(shown.secret))


def parse(text: str) -> Parsed | None:
    """The id and the secret in a token's text; None when the text does not have the form of a token."""
    match = _TEXT.fullmatch(text)
    return Parsed(f"{_PREFIX}_{match[1]}", match[2]) if match else None


def secret_hash(secret: str) -> str:
    """The SHA-256 of a secret in hex, which is stored instead of the secret."""
    return sha256(secret.encode()).hexdigest()


def grants(role: Role, needed: Role) -> bool:
    """Whether a token of `role` has the permissions of the role `needed`."""
    return needed in _INCLUDED[role]


def is_required(needed: Role, issued_roles: Collection[str]) -> bool:
    """Whether a request that needs the role `needed` requires a token, on a service that only its own machine reaches.

    Args:
        needed: The role that the request needs.
        issued_roles: The roles of which a token was ever made, including revoked tokens: revoking the last token must
            not open the service again.
    """
    # A token of the role worker does not change whether this machine's users need a token.
    people = set(issued_roles) - {"worker"}
    return bool(issued_roles) if needed == "worker" else bool(people)
