"""Supervision of a child that does not react: the parent reads in the store that it should have stopped."""

import os
import signal
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from pippin.api.jobs import Job
from pippin.api.states import Reason, Status
from pippin.store import Claim, new_token
from worker.parent.supervision import ChildExit, StopMonitor, settle
from worker.stop import Cause

if TYPE_CHECKING:
    from tests.worker.conftest import Bench, WorkerProcess

TENANT = "default"


def _claimed(bench: "Bench", **request: object) -> tuple[Job, Claim]:
    job = bench.submit(**request)
    claim = Claim(TENANT, job.id, 1, new_token())
    bench.store.attempts.claim(claim, worker="bench", engine="jax")
    return job, claim


def _overdue_after_two_checks(stop_monitor: StopMonitor) -> Cause | None:
    """The result of the second of two checks, 0.02 s apart."""
    for _ in range(2):
        time.sleep(0.02)
        found = stop_monitor.overdue()
    return found


def test_child_without_pending_requests_is_not_overdue(bench: "Bench") -> None:
    _, claim = _claimed(bench)
    assert _overdue_after_two_checks(StopMonitor(bench.store.attempts, claim, 0, every=0.01)) is None


@pytest.mark.parametrize("wish", ["cancel", "pause"])
def test_ignored_cancel_or_pause_is_overdue_after_the_grace(bench: "Bench", wish: str) -> None:
    job, claim = _claimed(bench)
    getattr(bench.store.jobs, wish)(TENANT, job.id)
    assert _overdue_after_two_checks(StopMonitor(bench.store.attempts, claim, 60, every=0.01)) is None
    expected = {"cancel": Cause.CANCELLED, "pause": Cause.PAUSED}[wish]
    assert _overdue_after_two_checks(StopMonitor(bench.store.attempts, claim, 0, every=0.01)) is expected


def test_timed_out_or_handed_back_job_is_overdue(bench: "Bench") -> None:
    _, claim = _claimed(bench, timeout_seconds=0.1)
    time.sleep(0.15)
    assert _overdue_after_two_checks(StopMonitor(bench.store.attempts, claim, 0, every=0.01)) is Cause.TIMED_OUT
    bench.store.attempts.hand_back(claim)
    assert _overdue_after_two_checks(StopMonitor(bench.store.attempts, claim, 0, every=0.01)) is Cause.LEASE_LOST


def test_child_that_does_not_hand_back_is_overdue_after_the_grace(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    patient, impatient = (
        StopMonitor(bench.store.attempts, claim, grace, must_hand_back=lambda: True, every=0.01) for grace in (60, 0)
    )
    assert _overdue_after_two_checks(patient) is None
    assert patient.must_hand_back
    assert _overdue_after_two_checks(impatient) is Cause.TERMINATED
    bench.store.jobs.cancel(TENANT, job.id)
    assert _overdue_after_two_checks(impatient) is not Cause.TERMINATED
    assert not impatient.must_hand_back


@pytest.mark.full
def test_cancel_frees_the_worker_of_a_frozen_training(bench: "Bench", start: Callable[..., "WorkerProcess"]) -> None:
    worker = start("--name", "frozen")
    job = bench.submit_long()
    bench.wait_until(job, lambda job: job.progress.epoch >= 1)
    (child,) = worker.children()
    os.kill(child, signal.SIGSTOP)
    assert bench.store.jobs.cancel(TENANT, job.id).status is Status.CANCELLING
    assert bench.wait_until(job, Status.CANCELLED).attempts[0].status == "cancelled"
    bench.wait_until(bench.submit(), Status.SUCCEEDED)
    assert worker.stop() == 0


def test_child_that_exits_with_0_needs_no_settlement(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    settle(bench.store, claim, ChildExit(0))
    assert bench.job(job).status is Status.STARTING


def test_killed_child_loses_the_attempt_and_requeues_the_job(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    settle(bench.store, claim, ChildExit(-9))
    lost = bench.job(job)
    assert lost.status is Status.QUEUED
    assert lost.attempts[0].status == "lost"
    assert lost.attempts[0].reason is not None
    assert "SIGKILL" in lost.attempts[0].reason.detail


def test_sigabrt_under_a_memory_limit_is_out_of_memory(bench: "Bench") -> None:
    job, claim = _claimed(bench, max_attempts=1)
    settle(bench.store, claim, ChildExit(-6), memory_limit=10**9)
    failed = bench.job(job)
    assert failed.status is Status.FAILED
    assert failed.reason is not None
    assert failed.reason.code is Reason.OUT_OF_MEMORY


def test_child_killed_for_its_memory_fails_the_job_at_once(bench: "Bench") -> None:
    job, claim = _claimed(bench, max_attempts=3)
    settle(bench.store, claim, ChildExit(-9, Cause.OUT_OF_MEMORY), memory_limit=10**9)
    failed = bench.job(job)
    assert failed.status is Status.FAILED
    assert failed.reason is not None
    assert failed.reason.code is Reason.OUT_OF_MEMORY
    assert "1000000000 bytes" in failed.reason.detail


def test_child_with_an_error_exit_code_is_a_lost_worker(bench: "Bench") -> None:
    job, claim = _claimed(bench, max_attempts=1)
    settle(bench.store, claim, ChildExit(1))
    failed = bench.job(job)
    assert failed.reason is not None
    assert failed.reason.code is Reason.WORKER_LOST
    assert "exit code 1" in failed.reason.detail


def test_attempt_of_a_terminated_child_is_handed_back(bench: "Bench") -> None:
    job, claim = _claimed(bench, max_attempts=1)
    settle(bench.store, claim, ChildExit(-9, Cause.TERMINATED))
    back = bench.job(job)
    assert back.status is Status.QUEUED
    assert back.attempts[0].status == "handed_back"


def test_child_killed_for_a_cancel_is_settled_as_cancelled(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    bench.store.jobs.cancel("default", job.id)
    settle(bench.store, claim, ChildExit(-9, Cause.CANCELLED))
    assert bench.job(job).status is Status.CANCELLED


def test_child_killed_for_a_pause_is_settled_as_paused(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    bench.store.jobs.pause("default", job.id)
    settle(bench.store, claim, ChildExit(-9, Cause.PAUSED))
    paused = bench.job(job)
    assert paused.status is Status.PAUSED
    assert paused.attempts[0].status == "paused"


def test_child_killed_for_a_timeout_is_settled_as_timed_out(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    settle(bench.store, claim, ChildExit(-9, Cause.TIMED_OUT))
    failed = bench.job(job)
    assert failed.reason is not None
    assert failed.reason.code is Reason.TIMEOUT


@pytest.mark.parametrize("ending", [ChildExit(1), ChildExit(-9), *(ChildExit(-9, cause) for cause in Cause)])
def test_attempt_without_its_lease_settles_nothing(bench: "Bench", ending: ChildExit) -> None:
    job, claim = _claimed(bench)
    bench.store.attempts.hand_back(claim)
    settle(bench.store, claim, ending)
    after = bench.job(job)
    assert after.status is Status.QUEUED
    assert [each.status for each in after.attempts] == ["handed_back"]
