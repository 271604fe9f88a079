"""Workers as they are run: `python -m worker` against a real server, with real signals."""

import os
import signal
from functools import partial
from pathlib import Path

import pytest
from redis import Redis
from rq import Queue

from pippin.api.jobs import Job
from pippin.api.states import Reason, Status
from pippin.local.valkey import EmbeddedValkey
from pippin.store import FUNCTION, QUEUES, Store
from tests.support.waiting import wait_for
from tests.worker.conftest import Bench, Start, WorkerProcess


@pytest.fixture(scope="module")
def worker(start: Start) -> WorkerProcess:
    """One worker for the tests that do not end it."""
    return start("--name", "bench")


def test_a_job_is_trained_by_a_child(bench: Bench, worker: WorkerProcess) -> None:
    job = bench.submit()
    done = bench.wait_until(job, Status.SUCCEEDED)
    assert done.attempts[0].worker.startswith("bench-")
    assert bench.epochs(job) == [1, 2, 3]
    assert {each.variant for each in done.artifacts} == {"initial", "trained", "inference"}
    assert worker.process.poll() is None


def test_worker_is_listed_with_its_job_until_a_cancel_stops_the_training(
    bench: Bench, worker: WorkerProcess, store: Store
) -> None:
    job = bench.submit_long()
    bench.wait_for_epoch(job)
    (shown,) = store.workers.all()
    assert (shown.state, shown.current_job, shown.engines) == ("busy", job.id, ["jax"])
    assert shown.pid == worker.process.pid
    done = bench.cancel(job)
    assert done.attempts[0].status == "cancelled"
    assert done.progress.epoch < 1000
    wait_for(lambda: store.workers.all()[0].state == "idle")
    assert worker.process.poll() is None


@pytest.mark.full
def test_job_of_a_killed_child_is_retried(bench: Bench, worker: WorkerProcess) -> None:
    job = bench.submit_long(max_attempts=2)

    def runs(number: int, job: Job) -> bool:
        return [attempt.status for attempt in job.attempts][number - 1 :] == ["running"]

    for number in (1, 2):
        bench.wait_until(job, partial(runs, number))
        (child,) = worker.children()
        os.kill(child, signal.SIGKILL)
    failed = bench.wait_until(job, Status.FAILED)
    assert [each.status for each in failed.attempts] == ["lost", "lost"]
    assert failed.reason is not None
    assert failed.reason.code is Reason.WORKER_LOST
    assert "SIGKILL" in failed.reason.detail
    assert worker.process.poll() is None


@pytest.mark.full
def test_forged_job_does_not_run_and_the_worker_continues(
    bench: Bench, worker: WorkerProcess, tmp_path: Path, valkey_url: str
) -> None:
    connection = Redis.from_url(valkey_url)
    queue = Queue(QUEUES["jax"], connection=connection, serializer="json")
    queue.enqueue_call("os.mkdir", args=[str(tmp_path / "proof")], timeout=-1)
    queue.enqueue_call(FUNCTION, args=["default"], timeout=-1)
    connection.close()
    bench.wait_until(bench.submit(), Status.SUCCEEDED)
    assert not (tmp_path / "proof").exists()
    assert worker.log.count("refused a forged job") == 2


@pytest.mark.full
def test_training_survives_a_restart_of_redis(
    bench: Bench, worker: WorkerProcess, valkey_server: EmbeddedValkey
) -> None:
    job = bench.submit_long()
    before = bench.wait_for_epoch(job).progress.epoch
    children = worker.children()
    valkey_server.stop()
    valkey_server.start()
    bench.wait_for_epoch(job, before + 2)
    assert worker.children() == children
    done = bench.cancel(job)
    assert len(done.attempts) == 1
    epochs = bench.epochs(job)
    assert epochs == list(range(1, len(epochs) + 1))


@pytest.mark.full
@pytest.mark.usefixtures("worker")
def test_sigterm_hands_the_attempt_back_and_another_worker_takes_it(bench: Bench, start: Start) -> None:
    # The first worker is busy, so that the second one takes the job.
    blocker = bench.submit_long()
    bench.wait_until(blocker, Status.RUNNING)
    leaving = start("--name", "leaving")
    job = bench.submit_long(max_attempts=1)
    bench.wait_for_epoch(job)
    assert leaving.stop() == 0
    assert [each.name.startswith("leaving") for each in bench.store.workers.all()] == [False]
    assert bench.standing(job) == (Status.QUEUED, ["handed_back"])

    bench.store.jobs.cancel("default", blocker.id)
    again = bench.wait_until(job, lambda job: len(job.attempts) == 2 and job.status is Status.RUNNING)
    assert again.attempts[1].worker.startswith("bench-")
    bench.cancel(job)
