"""A bearer token (RFC 6750): `pippin_<id>_<secret>`. The id finds its record, which holds a hash of the secret only."""

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
"""What a token may do. Roles are few and fixed: each allows what the ones that it includes allow."""

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
    """The limits of one token; None sets none."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queued_jobs: int | None = Field(default=None, ge=0, description="Most of its jobs that may wait for a worker.")
    active_jobs: int | None = Field(
        default=None, ge=0, description="Most of its jobs that may wait or run, together: no more can then ever run."
    )
    stored_bytes: int | None = Field(default=None, ge=0, description="Most bytes of datasets and models that it added.")
    requests_per_minute: int | None = Field(default=None, ge=1, description="Most requests a minute.")


_NO_QUOTAS = Quotas()


class Token(BaseModel):
    """What is kept of a token.

    Attributes:
        id: `token_` and 26 characters; no secret.
        name: What its maker calls it: the machine that it is for, say.
        role: What it allows.
        tenant: The tenant whose jobs, datasets and models it sees. Blobs, workers and tokens belong to no tenant.
        quotas: How much it may use.
        created_at: When it was made.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    name: str | None
    role: Role
    tenant: str = DEFAULT_TENANT
    quotas: Quotas = _NO_QUOTAS
    created_at: datetime


class NewToken(NamedTuple):
    """A token that was just made.

    Attributes:
        record: What is kept of it, beside the hash of its secret.
        text: The token itself, to be shown once and kept nowhere here.
        hash: The hash of its secret.
    """

    record: Token
    text: str
    hash: str


class Parsed(NamedTuple):
    """A token's text, taken apart."""

    id: str
    secret: str


def issue(role: Role, name: str | None, *, tenant: str = DEFAULT_TENANT, quotas: Quotas = _NO_QUOTAS) -> NewToken:
    """Make a token whose secret has 256 random bits, so that a plain hash of it cannot be searched.

    Raises:
        InvalidNameError: Nothing can have the name.
    """
    if name is not None:
        names.require(name)
    token_id, secret = new_id(_PREFIX), secrets.token_hex(32)
    record = Token(id=token_id, name=name, role=role, tenant=tenant, quotas=quotas, created_at=datetime.now(UTC))
    return NewToken(record, f"pippin_{token_id.removeprefix(f'{_PREFIX}_')}_{secret}", secret_hash(secret))


def adopt(text: str, role: Role, name: str) -> NewToken:
    """The token with this text, which was made elsewhere and is kept here for the first time.

    Raises:
        ValueError: The text has not the form of a token.
    """
    shown = parse(text)
    if shown is None:
        raise ValueError("it has not the form of a token")
    record = Token(id=shown.id, name=name, role=role, created_at=datetime.now(UTC))
    return NewToken(record, text, secret_hash(shown.secret))


def parse(text: str) -> Parsed | None:
    """The id and the secret in a token's text; None when it has not the form of one."""
    match = _TEXT.fullmatch(text)
    return Parsed(f"{_PREFIX}_{match[1]}", match[2]) if match else None


def secret_hash(secret: str) -> str:
    """The SHA-256 of a secret, in hex: what is stored of it."""
    return sha256(secret.encode()).hexdigest()


def grants(role: Role, needed: Role) -> bool:
    """Whether a token of `role` may do what takes `needed`."""
    return needed in _INCLUDED[role]


def is_demanded(needed: Role, issued_roles: Collection[str]) -> bool:
    """Whether a token is demanded for what takes `needed`, on a service that only its own machine reaches.

    Args:
        needed: The role that it takes.
        issued_roles: The roles of which a token was ever made, revoked ones included: to revoke the last token must
            not open the service again.
    """
    # A worker's token neither admits nor excludes this machine's users.
    people = set(issued_roles) - {"worker"}
    return bool(issued_roles) if needed == "worker" else bool(people)
