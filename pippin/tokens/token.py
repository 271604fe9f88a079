"""A bearer token (RFC 6750): `pippin_<id>_<secret>`. The id finds its record, which holds a hash of the secret only."""

import re
import secrets
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict

from pippin import names
from pippin.jobs.ids import new_id
from pippin.tokens.quotas import Quotas
from pippin.tokens.roles import Role

DEFAULT_TENANT = "default"
"""Whose everything is where nobody has named a tenant."""

_NO_QUOTAS = Quotas()
_PREFIX = "token"
_TEXT = re.compile(r"pippin_([0-9a-z]{26})_([0-9a-f]{64})", re.ASCII)


class Token(BaseModel):
    """What is kept of a token.

    Attributes:
        id: `token_` and 26 characters; no secret.
        name: What its maker calls it: the machine that it is for, say.
        role: What it allows.
        tenant: Whose jobs, datasets and models it sees. The blobs, the workers and the tokens are everybody's.
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
