"""Fixtures that every part shares: one real Valkey server for the whole run, emptied before each test that uses it."""

from collections.abc import Iterator

import pytest

from pippin.embedded import EmbeddedValkey
from pippin.store import Store, connect


@pytest.fixture(scope="session")
def valkey_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """The server as `pippin up` runs it."""
    with EmbeddedValkey(tmp_path_factory.mktemp("valkey-home")) as server:
        yield server


@pytest.fixture
def valkey_url(valkey_server: EmbeddedValkey) -> str:
    """The address of the server, which is empty."""
    client = connect(valkey_server.url)
    client.flushall()
    client.close()
    return valkey_server.url


@pytest.fixture
def store(valkey_url: str) -> Iterator[Store]:
    """A store on the empty server."""
    opened = Store(connect(valkey_url))
    yield opened
    opened.close()
