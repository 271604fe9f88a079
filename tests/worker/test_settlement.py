from typing import TYPE_CHECKING

import pytest

from pippin.api.jobs import Job
from pippin.api.states import Reason, Status
from pippin.store import Claim, new_token
from worker.parent.supervision import Ending
from worker.settlement import settle
from worker.stop import Cause

if TYPE_CHECKING:
    from tests.worker.conftest import Bench


def _claimed(bench: "Bench", **request: object) -> tuple[Job, Claim]:
    job = bench.submit(**request)
    claim = Claim("default", job.id, 1, new_token())
    bench.store.attempts.claim(claim, worker="bench", engine="jax")
    return job, claim


def test_a_child_that_settled_itself_leaves_nothing_to_settle(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    settle(bench.store, claim, Ending(0))
    assert bench.job(job).status is Status.STARTING


def test_the_attempt_of_a_child_that_was_killed_is_lost_and_the_job_queued_again(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    settle(bench.store, claim, Ending(-9))
    lost = bench.job(job)
    assert lost.status is Status.QUEUED
    assert lost.attempts[0].status == "lost"
    assert lost.attempts[0].reason is not None
    assert "SIGKILL" in lost.attempts[0].reason.detail


def test_a_child_that_aborted_under_a_memory_limit_was_out_of_memory(bench: "Bench") -> None:
    job, claim = _claimed(bench, max_attempts=1)
    settle(bench.store, claim, Ending(-6), memory_limit=10**9)
    failed = bench.job(job)
    assert failed.status is Status.FAILED
    assert failed.reason is not None
    assert failed.reason.code is Reason.OUT_OF_MEMORY


def test_a_child_that_was_killed_for_its_memory_fails_the_job_at_once(bench: "Bench") -> None:
    job, claim = _claimed(bench, max_attempts=3)
    settle(bench.store, claim, Ending(-9, Cause.OUT_OF_MEMORY), memory_limit=10**9)
    failed = bench.job(job)
    assert failed.status is Status.FAILED
    assert failed.reason is not None
    assert failed.reason.code is Reason.OUT_OF_MEMORY
    assert "1000000000 bytes" in failed.reason.detail


def test_a_child_that_exited_in_error_is_a_lost_worker(bench: "Bench") -> None:
    job, claim = _claimed(bench, max_attempts=1)
    settle(bench.store, claim, Ending(1))
    failed = bench.job(job)
    assert failed.reason is not None
    assert failed.reason.code is Reason.WORKER_LOST
    assert "exit code 1" in failed.reason.detail


def test_an_attempt_whose_child_we_killed_is_handed_back(bench: "Bench") -> None:
    job, claim = _claimed(bench, max_attempts=1)
    settle(bench.store, claim, Ending(-9, Cause.TERMINATED))
    back = bench.job(job)
    assert back.status is Status.QUEUED
    assert back.attempts[0].status == "handed_back"


def test_a_child_that_did_not_hear_its_cancel_is_settled_as_cancelled(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    bench.store.jobs.cancel("default", job.id)
    settle(bench.store, claim, Ending(-9, Cause.CANCELLED))
    assert bench.job(job).status is Status.CANCELLED


def test_a_child_that_did_not_hear_its_pause_rests(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    bench.store.jobs.pause("default", job.id)
    settle(bench.store, claim, Ending(-9, Cause.PAUSED))
    paused = bench.job(job)
    assert paused.status is Status.PAUSED
    assert paused.attempts[0].status == "paused"


def test_a_child_that_did_not_hear_its_timeout_fails_by_it(bench: "Bench") -> None:
    job, claim = _claimed(bench)
    settle(bench.store, claim, Ending(-9, Cause.TIMED_OUT))
    failed = bench.job(job)
    assert failed.reason is not None
    assert failed.reason.code is Reason.TIMEOUT


@pytest.mark.parametrize("ending", [Ending(1), Ending(-9), *(Ending(-9, cause) for cause in Cause)])
def test_an_attempt_that_no_longer_holds_its_job_settles_nothing(bench: "Bench", ending: Ending) -> None:
    job, claim = _claimed(bench)
    bench.store.attempts.hand_back(claim)
    settle(bench.store, claim, ending)
    after = bench.job(job)
    assert after.status is Status.QUEUED
    assert [each.status for each in after.attempts] == ["handed_back"]
