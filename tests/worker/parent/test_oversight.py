"""A training that hears nothing: its worker sees in the store that it should have stopped."""

import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pippin.api.jobs import Job
from pippin.api.states import Status
from pippin.store import Claim, new_token
from worker.parent.supervision import Overseer
from worker.stop import Cause

if TYPE_CHECKING:
    from tests.worker.conftest import Bench, WorkerProcess

TENANT = "default"


def _claimed(bench: "Bench", **request: object) -> tuple[Job, Claim]:
    job = bench.submit(**request)
    claim = Claim(TENANT, job.id, 1, new_token())
    bench.store.attempts.claim(claim, worker="bench", engine="jax")
    return job, claim


def _after_a_look(overseer: Overseer) -> Cause | None:
    """What it says once it has looked twice, the second time after its patience."""
    for _ in range(2):
        time.sleep(0.02)
        found = overseer.overdue()
    return found


def test_a_child_that_does_as_it_should_is_left_alone(bench: "Bench") -> None:
    _, claim = _claimed(bench)
    assert _after_a_look(Overseer(bench.store.attempts, claim, 0, every=0.01)) is None


@pytest.mark.parametrize("wish", ["cancel", "pause"])
def test_a_wish_that_is_not_heard_is_seen_when_the_grace_is_over(bench: "Bench", wish: str) -> None:
    job, claim = _claimed(bench)
    getattr(bench.store.jobs, wish)(TENANT, job.id)
    assert _after_a_look(Overseer(bench.store.attempts, claim, 60, every=0.01)) is None
    expected = {"cancel": Cause.CANCELLED, "pause": Cause.PAUSED}[wish]
    assert _after_a_look(Overseer(bench.store.attempts, claim, 0, every=0.01)) is expected


def test_a_job_that_is_out_of_time_or_in_other_hands_is_seen(bench: "Bench") -> None:
    _, claim = _claimed(bench, timeout_seconds=0.1)
    time.sleep(0.15)
    assert _after_a_look(Overseer(bench.store.attempts, claim, 0, every=0.01)) is Cause.TIMED_OUT
    bench.store.attempts.hand_back(claim)
    assert _after_a_look(Overseer(bench.store.attempts, claim, 0, every=0.01)) is Cause.LEASE_LOST


def test_a_child_that_does_not_hand_its_job_back_is_ended_when_the_grace_is_over(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    patient, impatient = (
        Overseer(bench.store.attempts, claim, grace, wants_back=lambda: True, every=0.01) for grace in (60, 0)
    )
    assert _after_a_look(patient) is None
    assert patient.hands_back
    assert _after_a_look(impatient) is Cause.TERMINATED
    bench.store.jobs.cancel(TENANT, job.id)
    assert _after_a_look(impatient) is not Cause.TERMINATED
    assert not impatient.hands_back


@pytest.mark.full
def test_the_worker_of_a_frozen_training_is_free_again_after_a_cancel(
    bench: "Bench", start: Callable[..., "WorkerProcess"]
) -> None:
    worker = start("--name", "frozen")
    job = bench.submit_long()
    bench.wait_until(job, lambda job: job.progress.epoch >= 1)
    (child,) = worker.children()
    os.kill(child, signal.SIGSTOP)
    assert bench.store.jobs.cancel(TENANT, job.id).status is Status.CANCELLING
    assert bench.wait_until(job, Status.CANCELLED).attempts[0].status == "cancelled"
    bench.wait_until(bench.submit(), Status.SUCCEEDED)
    assert worker.stop() == 0
