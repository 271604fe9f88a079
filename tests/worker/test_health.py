import pytest

from pippin.store import Store
from tests.support.waiting import wait_for
from worker import health
from worker.parent.heartbeat import Heartbeat


def test_host_is_healthy_while_a_worker_sends_heartbeats(
    store: Store,
    valkey_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)
    with Heartbeat(store.workers, "bench-1", "jax"):
        wait_for(store.workers.alive)
        assert health.main() == 0
    assert health.main() == 1
    assert "no worker on" in capsys.readouterr().err


def test_worker_on_another_host_does_not_count(store: Store, valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", valkey_url)
    with Heartbeat(store.workers, "bench-1", "jax"):
        wait_for(store.workers.alive)
        monkeypatch.setattr("socket.gethostname", lambda: "another-host")
        assert health.main() == 1


@pytest.mark.parametrize(
    ("url", "says"),
    [(None, "PIPPIN_REDIS_URL is not set"), ("redis://127.0.0.1:1", "Redis cannot be reached: Connection refused")],
)
def test_health_check_without_redis_prints_the_reason(
    url: str | None, says: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("PIPPIN_REDIS_URL", raising=False)
    if url is not None:
        monkeypatch.setenv("PIPPIN_REDIS_URL", url)
    assert health.main() == 1
    assert says in capsys.readouterr().err
