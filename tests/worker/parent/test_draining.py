"""Drained workers: they take no more jobs but stay alive."""

import pytest

from pippin.api.states import Status
from pippin.api.workers import Drain, WorkerReport
from pippin.local.valkey import EmbeddedValkey
from pippin.store import Store
from tests.support.waiting import wait_for
from tests.worker.conftest import Bench, Start, WorkerProcess
from worker.parent.shutdown import Draining

# Whole processes take their time.
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def worker(start: Start) -> WorkerProcess:
    """One worker process for all tests of this module."""
    return start("--name", "drainee")


def _state(store: Store) -> str:
    (shown,) = store.workers.all()
    return shown.state


def test_drained_worker_finishes_its_job_and_takes_jobs_after_undrain(
    bench: Bench, worker: WorkerProcess, store: Store
) -> None:
    job = bench.submit(dataset={"train": "long"}, hyperparameters={"epochs": 3, "mini_batch_size": 1})
    bench.wait_until(job, Status.RUNNING)
    assert store.workers.drain("drainee", Drain.FINISH).state == "draining"
    waiting = bench.submit()
    assert bench.wait_until(job, Status.SUCCEEDED).attempts[0].status == "succeeded"
    wait_for(lambda: _state(store) == "drained")
    assert bench.job(waiting).attempts == []
    assert "No live worker has the jax engine" in str(bench.job(waiting).waiting_for)
    store.workers.undrain("drainee")
    bench.wait_until(waiting, Status.SUCCEEDED)
    wait_for(lambda: _state(store) == "idle")
    assert worker.process.poll() is None


def test_hand_back_drain_keeps_the_checkpoint_and_the_worker(bench: Bench, worker: WorkerProcess, store: Store) -> None:
    job = bench.submit_long(max_attempts=1)
    bench.wait_for_epoch(job)
    store.workers.drain("drainee", Drain.HAND_BACK)
    back = bench.wait_until(job, Status.QUEUED)
    assert [each.status for each in back.attempts] == ["handed_back"]
    assert back.checkpoint is not None
    wait_for(lambda: _state(store) == "drained")
    assert worker.children() == []
    store.workers.undrain("drainee")
    again = bench.wait_until(job, lambda job: len(job.attempts) == 2 and job.status is Status.RUNNING)
    resumed = again.attempts[1].resumed_from
    assert resumed is not None
    assert (resumed.epoch, resumed.step) == (back.checkpoint.epoch, back.checkpoint.step)
    bench.cancel(job)
    epochs = bench.epochs(job)
    assert epochs == list(range(1, len(epochs) + 1))


def test_idle_drained_worker_ends_on_sigterm(start: Start, store: Store) -> None:
    leaving = start("--name", "leaving")
    wait_for(lambda: "leaving" in str(store.workers.all()))
    store.workers.drain("leaving", Drain.FINISH)
    wait_for(lambda: store.workers.find("leaving").state == "drained")
    name = store.workers.find("leaving").name
    assert leaving.stop() == 0
    assert name not in [worker.name for worker in store.workers.all()]
    assert store.workers.drain_of(name) is None


def test_drain_state_is_kept_during_an_outage(
    store: Store, bench_report: WorkerReport, valkey_server: EmbeddedValkey
) -> None:
    store.workers.heartbeat(bench_report)
    draining = Draining(store.workers, bench_report.name, every=0)
    assert not draining.begun()
    store.workers.drain("bench-1", Drain.HAND_BACK)
    assert draining.must_hand_back()
    valkey_server.stop()
    try:
        assert draining.begun()
        assert draining.must_hand_back()
    finally:
        valkey_server.start()
    store.workers.undrain("bench-1")
    assert not draining.begun()
