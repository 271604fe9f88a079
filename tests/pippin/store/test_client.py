import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from pippin.api.jobs import Job
from pippin.api.requests import ResolvedRequest
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store, StoreFull, StoreUnavailable, connect

TENANT = "default"


@pytest.fixture
def closed_port() -> int:
    """A port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_an_absent_server_is_store_unavailable(closed_port: int, ask: Callable[..., ResolvedRequest]) -> None:
    store = Store(connect(f"redis://127.0.0.1:{closed_port}", retries=0))
    calls: list[Callable[[], object]] = [
        store.ping,
        lambda: store.jobs.get(TENANT, "job_1"),
        lambda: store.jobs.submit(TENANT, ask(), spec={}),
        lambda: store.jobs.cancel(TENANT, "job_1"),
        lambda: store.jobs.page(TENANT),
        lambda: store.events.read(TENANT, "job_1"),
        store.workers.all,
        store.leases.expired,
        lambda: store.reaping.requeue_lost(TENANT, "job_1"),
        lambda: store.datasets.get(TENANT, "ds_1"),
    ]
    for call in calls:
        with pytest.raises(StoreUnavailable, match="Redis cannot be reached"):
            call()
    store.close()


def test_a_wrong_password_is_store_unavailable(valkey_url: str) -> None:
    password = valkey_url.partition(":")[2].partition("@")[0].rpartition(":")[2]
    store = Store(connect(valkey_url.replace(password, "guess"), retries=0))
    with pytest.raises(StoreUnavailable, match="password") as refused:
        store.ping()
    assert "guess" not in str(refused.value)
    store.close()


def test_silent_server_is_store_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pippin.store.client.SOCKET_TIMEOUT", 0.05)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        store = Store(connect(f"redis://127.0.0.1:{silent.getsockname()[1]}", retries=0))
        with pytest.raises(StoreUnavailable, match="did not answer in time"):
            store.ping()
        store.close()


def test_a_full_server_refuses_writes_and_still_reads(tmp_path: Path, ask: Callable[..., ResolvedRequest]) -> None:
    with EmbeddedValkey(tmp_path, max_memory_bytes=16 * 2**20) as server:
        store = Store(connect(server.url))
        job = store.jobs.submit(TENANT, ask(), spec={})
        store.redis.config_set("maxmemory", 1)
        with pytest.raises(StoreFull, match="maxmemory"):
            store.jobs.submit(TENANT, ask(), spec={})
        with pytest.raises(StoreUnavailable, match="maxmemory"):
            store.redis.set("a", "b")
        assert [found.id for found in store.jobs.page(TENANT).items] == [job.id]
        store.close()


def test_flushed_scripts_are_loaded_again(store: Store, submit: Callable[..., Job]) -> None:
    submit()
    store.redis.script_flush()
    job = submit()
    store.redis.script_flush()
    store.jobs.cancel(TENANT, job.id)


def test_broken_connection_is_replaced(store: Store, submit: Callable[..., Job]) -> None:
    job = submit()
    store.redis.client_kill_filter(_type="normal", skipme=True)
    assert store.jobs.get(TENANT, job.id) == job
