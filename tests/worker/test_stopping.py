"""SIGTERM during hand-over, compilation and a frozen training, and SIGKILL."""

import os
import signal
import time
from pathlib import Path

import pytest

from pippin.api.states import Status
from tests.support.waiting import DEADLINE, wait_for
from tests.worker.conftest import SPEC, Bench, Start

# Whole processes take their time.
pytestmark = pytest.mark.full


# So many layers that compilation takes seconds.
DEEP = SPEC | {
    "layers": [
        *(
            {"type": "inner_product", "name": f"dense{number}", "output_channels": 32 + number, "updatable": True}
            for number in range(15)
        ),
        *SPEC["layers"],
    ]
}


def test_idle_worker_resumes_a_handed_back_job_at_once(bench: Bench, start: Start) -> None:
    leaving = start("--name", "leaving")
    job = bench.submit_long(max_attempts=1)
    bench.wait_for_epoch(job)
    staying = start("--name", "staying")
    wait_for(lambda: "ready" in staying.log)
    leaving.process.send_signal(signal.SIGTERM)
    again = bench.wait_until(job, lambda job: len(job.attempts) == 2 and job.status is Status.RUNNING)
    assert [each.status for each in again.attempts] == ["handed_back", "running"]
    assert again.attempts[1].worker.startswith("staying-")
    assert again.attempts[1].resumed_from is not None
    assert leaving.process.wait(DEADLINE) == 0
    bench.cancel(job)
    assert staying.stop() == 0


@pytest.mark.parametrize("grace", ["0", "30"])
def test_job_is_handed_back_during_compilation(bench: Bench, start: Start, grace: str) -> None:
    worker = start("--name", "compiler", PIPPIN_WORKER_GRACE_SECONDS=grace, PIPPIN_LOG_LEVEL="debug")
    job = bench.submit(spec=DEEP, max_attempts=1)
    bench.wait_until(job, lambda _: "opened the dataset" in worker.log)
    assert bench.job(job).status is Status.STARTING
    assert worker.stop() == 0
    assert bench.standing(job) == (Status.QUEUED, ["handed_back"])


def test_second_sigterm_ends_a_frozen_training(bench: Bench, start: Start) -> None:
    worker = start("--name", "frozen", PIPPIN_WORKER_GRACE_SECONDS="600")
    job = bench.submit_long(max_attempts=1)
    bench.wait_for_epoch(job)
    (child,) = worker.children()
    os.kill(child, signal.SIGSTOP)
    worker.process.send_signal(signal.SIGTERM)
    # An earlier second signal counts as a repetition of the first.
    time.sleep(1.5)
    assert worker.process.poll() is None
    assert worker.stop() == 0
    assert bench.standing(job) == (Status.QUEUED, ["handed_back"])
    assert bench.job(job).checkpoint is not None
    wait_for(lambda: not Path(f"/proc/{child}").exists())


def test_spawned_child_trains_and_ends_when_its_worker_is_killed(bench: Bench, start: Start) -> None:
    # As macOS needs it.
    worker = start("--start", "spawn")
    bench.wait_until(bench.submit(), Status.SUCCEEDED)

    job = bench.submit_long()
    bench.wait_for_epoch(job)
    (child,) = worker.children()
    worker.end()
    wait_for(lambda: not Path(f"/proc/{child}").exists())
    assert bench.job(job).status is Status.RUNNING, "until the reaper finds that the lease has run out"
