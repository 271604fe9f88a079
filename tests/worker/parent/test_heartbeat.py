import os
import threading

import pytest

from pippin.api.workers import WorkerReport
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store
from tests.support.waiting import wait_for
from worker.compute_units import compute_units
from worker.parent.heartbeat import Heartbeat


def test_worker_is_listed_with_its_state_while_it_runs(store: Store) -> None:
    with Heartbeat(store.workers, "bench-1", "jax") as heartbeat:
        wait_for(store.workers.all)
        (shown,) = store.workers.all()
        assert (shown.name, shown.pid, shown.state, shown.engines) == ("bench-1", os.getpid(), "starting", ["jax"])
        assert shown.os
        assert shown.chip
        assert shown.compute_units == compute_units("jax")
        heartbeat.report_state("busy", "job_1")
        wait_for(lambda: store.workers.all()[0].state == "busy")
        assert store.workers.all()[0].current_job == "job_1"
    assert store.workers.all() == []


def test_quiet_heartbeat_sends_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    sent = threading.Event()
    real = store.workers.heartbeat

    def note(report: WorkerReport) -> None:
        sent.set()
        real(report)

    monkeypatch.setattr(store.workers, "heartbeat", note)
    with Heartbeat(store.workers, "bench-1", "jax") as heartbeat:
        assert sent.wait(10)
        with heartbeat.quiet():
            sent.clear()
            heartbeat.report_state("busy", "job_1")
            assert not sent.wait(0.2)
        assert sent.wait(10)


def test_heartbeat_continues_after_an_outage(store: Store, valkey_server: EmbeddedValkey) -> None:
    with Heartbeat(store.workers, "bench-1", "jax") as heartbeat:
        wait_for(store.workers.all)
        valkey_server.stop()
        heartbeat.report_state("busy", "job_1")
        valkey_server.start()
        heartbeat.report_state("busy", "job_2")
        wait_for(lambda: [worker.current_job for worker in store.workers.all()] == ["job_2"])
