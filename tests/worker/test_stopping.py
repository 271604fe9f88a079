"""SIGTERM during hand-over, compilation and a frozen training."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pippin.api.states import Status
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


if TYPE_CHECKING:
    from tests.worker.conftest import Bench, WorkerProcess

    Start = Callable[..., WorkerProcess]


# So many layers that compilation takes seconds.
DEEP: dict[str, Any] = {
    "inputs": [{"name": "x", "shape": [4]}],
    "outputs": [{"name": "y", "shape": [3]}],
    "layers": [
        *(
            {"type": "inner_product", "name": f"dense{number}", "output_channels": 32 + number, "updatable": True}
            for number in range(15)
        ),
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
        {"type": "softmax", "name": "softmax"},
    ],
    "loss": {"type": "categorical_cross_entropy", "target": "label"},
    "optimizer": {"type": "sgd", "learning_rate": 0.001, "mini_batch_size": 10},
    "epochs": 3,
    "seed": 1,
}


@pytest.mark.full
def test_idle_worker_resumes_a_handed_back_job_at_once(bench: "Bench", start: "Start") -> None:
    leaving = start("--name", "leaving")
    job = bench.submit_long(max_attempts=1)
    bench.wait_until(job, lambda job: job.progress.epoch >= 1)
    staying = start("--name", "staying")
    while "ready" not in staying.log:
        time.sleep(0.05)
    leaving.process.send_signal(signal.SIGTERM)
    again = bench.wait_until(job, lambda job: len(job.attempts) == 2 and job.status is Status.RUNNING)
    assert [each.status for each in again.attempts] == ["handed_back", "running"]
    assert again.attempts[1].worker.startswith("staying-")
    assert again.attempts[1].resumed_from is not None
    assert leaving.process.wait(20) == 0
    bench.store.jobs.cancel("default", job.id)
    bench.wait_until(job, Status.CANCELLED)
    assert staying.stop() == 0


@pytest.mark.parametrize("grace", ["0", pytest.param("60", marks=pytest.mark.full)])
def test_job_is_handed_back_during_compilation(bench: "Bench", start: "Start", grace: str) -> None:
    worker = start("--name", "compiler", PIPPIN_WORKER_GRACE_SECONDS=grace, PIPPIN_LOG_LEVEL="debug")
    job = bench.submit(spec=DEEP, max_attempts=1)
    bench.wait_until(job, lambda _: "opened the dataset" in worker.log)
    assert bench.job(job).status is Status.STARTING
    assert worker.stop() == 0
    back = bench.job(job)
    assert (back.status, [each.status for each in back.attempts]) == (Status.QUEUED, ["handed_back"])


@pytest.mark.full
def test_second_sigterm_ends_a_frozen_training(bench: "Bench", start: "Start") -> None:
    worker = start("--name", "frozen", PIPPIN_WORKER_GRACE_SECONDS="600")
    job = bench.submit_long(max_attempts=1)
    bench.wait_until(job, lambda job: job.progress.epoch >= 1)
    (child,) = worker.children()
    os.kill(child, signal.SIGSTOP)
    worker.process.send_signal(signal.SIGTERM)
    # An earlier second signal counts as a repetition of the first.
    time.sleep(1.5)
    assert worker.process.poll() is None
    assert worker.stop() == 0
    back = bench.job(job)
    assert (back.status, [each.status for each in back.attempts]) == (Status.QUEUED, ["handed_back"])
    assert back.checkpoint is not None
    wait_for(lambda: not Path(f"/proc/{child}").exists())
