"""Tokens for tests of access."""

from collections.abc import Callable

import pytest

from pippin.api.tokens import DEFAULT_TENANT, NewToken, Role, issue
from pippin.store import Store

AddToken = Callable[..., NewToken]


@pytest.fixture
def add_token(store: Store) -> AddToken:
    """Creates valid tokens: `add_token("read", tenant="team-b")`."""

    def add(role: Role = "submit", *, tenant: str = DEFAULT_TENANT) -> NewToken:
        token = issue(role, None, tenant=tenant)
        store.tokens.add(token)
        return token

    return add


def bearer(token: NewToken) -> dict[str, str]:
    """The header of a request with the token."""
    return {"authorization": f"Bearer {token.text}"}
