"""Jobs for the store's tests, and the connection of a worker on another machine."""

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from pippin.store import Client, Store, connect
from service.background.reaper import Reaper
from tests.pippin.store.driver import Driver
from tests.support.paths import WORKER_ACL


@pytest.fixture
def driver(store: Store) -> Driver:
    """Jobs in the empty store."""
    return Driver(store)


@pytest.fixture
def reaper(store: Store) -> Reaper:
    """A reaper that acts from its first look on."""
    return Reaper(store, interval=60, grace=0, gap=1e9)


@pytest.fixture
def remote(store: Store, valkey_url: str) -> Iterator[Client]:
    """The connection of the user whose permissions workers on other machines have."""
    _, name, *rules = WORKER_ACL.read_text().split()
    store.redis.execute_command("ACL", "SETUSER", name, *rules, ">workers-own")
    store.scripts.load()  # as the service does
    with connect(f"redis://{name}:workers-own@127.0.0.1:{urlsplit(valkey_url).port}/0") as connection:
        yield connection
    store.redis.execute_command("ACL", "DELUSER", name)
