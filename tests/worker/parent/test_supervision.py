"""Supervision of a child that does not react: the parent reads in the store that it should have stopped."""

import os
import signal
import time
from typing import Any

import pytest

from pippin.api.jobs import Job
from pippin.api.states import Reason, Status
from pippin.store import Claim, new_token
from tests.worker.conftest import TENANT, Bench, Start
from worker.parent.supervision import ChildExit, StopMonitor, settle
from worker.stop import Cause


def _claimed(bench: Bench, **request: object) -> tuple[Job, Claim]:
    job = bench.submit(**request)
    claim = Claim(TENANT, job.id, 1, new_token())
    bench.store.attempts.claim(claim, worker="bench", engine="jax")
    return job, claim


def _monitor(bench: Bench, claim: Claim, grace: float, **options: Any) -> StopMonitor:  # noqa: ANN401 - its own
    return StopMonitor(bench.store.attempts, claim, grace, every=0.01, **options)


def _overdue_after_two_checks(monitor: StopMonitor) -> Cause | None:
    """The result of the second of two checks, 0.02 s apart."""
    for _ in range(2):
        time.sleep(0.02)
        cause = monitor.overdue()
    return cause


def test_child_without_pending_requests_is_not_overdue(bench: Bench) -> None:
    _, claim = _claimed(bench)
    assert _overdue_after_two_checks(_monitor(bench, claim, 0)) is None


@pytest.mark.parametrize(("wish", "cause"), [("cancel", Cause.CANCELLED), ("pause", Cause.PAUSED)])
def test_ignored_cancel_or_pause_is_overdue_after_the_grace(bench: Bench, wish: str, cause: Cause) -> None:
    job, claim = _claimed(bench)
    getattr(bench.store.jobs, wish)(TENANT, job.id)
    assert _overdue_after_two_checks(_monitor(bench, claim, 60)) is None
    assert _overdue_after_two_checks(_monitor(bench, claim, 0)) is cause


def test_timed_out_or_handed_back_job_is_overdue(bench: Bench) -> None:
    _, claim = _claimed(bench, timeout_seconds=0.1)
    time.sleep(0.15)
    assert _overdue_after_two_checks(_monitor(bench, claim, 0)) is Cause.TIMED_OUT
    bench.store.attempts.hand_back(claim)
    assert _overdue_after_two_checks(_monitor(bench, claim, 0)) is Cause.LEASE_LOST


def test_child_that_does_not_hand_back_is_overdue_after_the_grace(bench: Bench) -> None:
    job, claim = _claimed(bench)
    patient, impatient = (_monitor(bench, claim, grace, must_hand_back=lambda: True) for grace in (60, 0))
    assert _overdue_after_two_checks(patient) is None
    assert patient.must_hand_back
    assert _overdue_after_two_checks(impatient) is Cause.TERMINATED
    bench.store.jobs.cancel(TENANT, job.id)
    assert _overdue_after_two_checks(impatient) is not Cause.TERMINATED
    assert not impatient.must_hand_back


@pytest.mark.full
def test_cancel_frees_the_worker_of_a_frozen_training(bench: Bench, start: Start) -> None:
    worker = start("--name", "frozen")
    job = bench.submit_long()
    bench.wait_for_epoch(job)
    (child,) = worker.children()
    os.kill(child, signal.SIGSTOP)
    assert bench.store.jobs.cancel(TENANT, job.id).status is Status.CANCELLING
    assert bench.wait_until(job, Status.CANCELLED).attempts[0].status == "cancelled"
    bench.wait_until(bench.submit(), Status.SUCCEEDED)
    assert worker.stop() == 0


def test_child_that_exits_with_0_needs_no_settlement(bench: Bench) -> None:
    job, claim = _claimed(bench)
    settle(bench.store, claim, ChildExit(0))
    assert bench.job(job).status is Status.STARTING


@pytest.mark.parametrize(
    ("wish", "ending", "settled"),
    [
        (None, ChildExit(-9), (Status.QUEUED, ["lost"])),
        (None, ChildExit(-9, Cause.TERMINATED), (Status.QUEUED, ["handed_back"])),
        ("cancel", ChildExit(-9, Cause.CANCELLED), (Status.CANCELLED, ["cancelled"])),
        ("pause", ChildExit(-9, Cause.PAUSED), (Status.PAUSED, ["paused"])),
    ],
    ids=["killed", "terminated", "killed for a cancel", "killed for a pause"],
)
def test_ending_of_a_child_settles_the_attempt(
    bench: Bench, wish: str | None, ending: ChildExit, settled: tuple[Status, list[str]]
) -> None:
    job, claim = _claimed(bench)
    if wish:
        getattr(bench.store.jobs, wish)(TENANT, job.id)
    settle(bench.store, claim, ending)
    assert bench.standing(job) == settled
    if settled[1] == ["lost"]:
        reason = bench.job(job).attempts[0].reason
        assert reason is not None
        assert "SIGKILL" in reason.detail


@pytest.mark.parametrize(
    ("max_attempts", "ending", "reason", "detail"),
    [
        (1, ChildExit(-6), Reason.OUT_OF_MEMORY, ""),
        (3, ChildExit(-9, Cause.OUT_OF_MEMORY), Reason.OUT_OF_MEMORY, "1000000000 bytes"),
        (3, ChildExit(-9, Cause.TIMED_OUT), Reason.TIMEOUT, ""),
        (1, ChildExit(1), Reason.WORKER_LOST, "exit code 1"),
    ],
    ids=["SIGABRT under a memory limit", "killed for its memory", "killed for a timeout", "an exit code"],
)
def test_ending_of_a_child_fails_the_job(
    bench: Bench, max_attempts: int, ending: ChildExit, reason: Reason, detail: str
) -> None:
    job, claim = _claimed(bench, max_attempts=max_attempts)
    settle(bench.store, claim, ending, memory_limit=10**9)
    code, found = bench.failure(job)
    assert code is reason
    assert detail in found


@pytest.mark.parametrize("ending", [ChildExit(1), ChildExit(-9), *(ChildExit(-9, cause) for cause in Cause)])
def test_attempt_without_its_lease_settles_nothing(bench: Bench, ending: ChildExit) -> None:
    job, claim = _claimed(bench)
    bench.store.attempts.hand_back(claim)
    settle(bench.store, claim, ending)
    assert bench.standing(job) == (Status.QUEUED, ["handed_back"])
