import socket
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from urllib.parse import urlsplit

import pytest

from pippin.store import Store, StoreFull, StoreUnavailable, connect
from tests.pippin.store.driver import ABSENT, TENANT, Driver


@contextmanager
def opened(url: str) -> Iterator[Store]:
    with closing(Store(connect(url, retries=0))) as store:
        yield store


CALLS: dict[str, Callable[[Store], object]] = {
    "ping": lambda store: store.ping(),
    "job": lambda store: store.jobs.get(TENANT, ABSENT),
    "submit": lambda store: Driver(store).submit(),
    "cancel": lambda store: store.jobs.cancel(TENANT, ABSENT),
    "jobs": lambda store: store.jobs.page(TENANT),
    "events": lambda store: store.events.read(TENANT, ABSENT),
    "workers": lambda store: store.workers.all(),
    "leases": lambda store: store.leases.expired(),
    "requeue": lambda store: store.reaping.requeue_lost(TENANT, ABSENT),
    "dataset": lambda store: store.datasets.get(TENANT, "ds_1"),
}


@pytest.mark.parametrize("call", CALLS)
def test_absent_server_is_store_unavailable(call: str) -> None:
    with opened("redis://127.0.0.1:1") as store, pytest.raises(StoreUnavailable, match="Redis cannot be reached"):
        CALLS[call](store)


def test_wrong_password_is_store_unavailable(valkey_url: str) -> None:
    url = valkey_url.replace(str(urlsplit(valkey_url).password), "guess")
    with opened(url) as store, pytest.raises(StoreUnavailable, match="password") as refused:
        store.ping()
    assert "guess" not in str(refused.value)


def test_silent_server_is_store_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pippin.store.client.SOCKET_TIMEOUT", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"redis://127.0.0.1:{silent.getsockname()[1]}"
        with opened(url) as store, pytest.raises(StoreUnavailable, match="did not answer in time"):
            store.ping()


def test_full_server_refuses_writes_and_still_reads(store: Store, driver: Driver) -> None:
    job = driver.submit()
    before = store.redis.config_get("maxmemory")
    store.redis.config_set("maxmemory", 1)
    try:
        with pytest.raises(StoreFull, match="maxmemory"):
            driver.submit()
        with pytest.raises(StoreUnavailable, match="maxmemory"):
            store.redis.set("a", "b")
        assert [listed.id for listed in store.jobs.page(TENANT).items] == [job.id]
    finally:
        store.redis.config_set("maxmemory", before["maxmemory"])


def test_flushed_scripts_are_loaded_again(store: Store, driver: Driver) -> None:
    job = driver.submit()
    store.redis.script_flush()
    driver.submit()
    store.redis.script_flush()
    store.jobs.cancel(TENANT, job.id)


def test_broken_connection_is_replaced(store: Store, driver: Driver) -> None:
    job = driver.submit()
    store.redis.client_kill_filter(_type="normal", skipme=True)
    assert store.jobs.get(TENANT, job.id) == job
