"""A worker that spawns its children, as macOS needs it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pippin.api.states import Status
from tests.support.waiting import wait_for

if TYPE_CHECKING:
    from tests.worker.conftest import Bench, WorkerProcess


@pytest.mark.full
def test_spawned_child_trains_and_ends_when_its_worker_is_killed(
    bench: "Bench", start: "Callable[..., WorkerProcess]"
) -> None:
    worker = start("--start", "spawn")
    bench.wait_until(bench.submit(), Status.SUCCEEDED)

    job = bench.submit_long()
    bench.wait_until(job, lambda job: job.progress.epoch >= 1)
    (child,) = worker.children()
    worker.end()
    wait_for(lambda: not Path(f"/proc/{child}").exists())
    assert bench.job(job).status is Status.RUNNING, "until the reaper finds that the lease has run out"
