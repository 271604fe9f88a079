from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from pippin.api.checkpoints import Resumption, StoredCheckpoint
from pippin.api.jobs import Artifact, Failure, Job
from pippin.api.states import Reason, Status
from pippin.store import Claim, Control, NoSuchJob, Refused, Store, WorkerReport, new_token

TENANT = "default"
Submit = Callable[..., Job]
TakeJob = Callable[..., Claim]
Checkpoints = Callable[..., StoredCheckpoint]


def read(store: Store, job: Job) -> Job:
    found = store.jobs.get(TENANT, job.id)
    assert found is not None
    return found


def waiting(store: Store, queue: str = "pippin-jax") -> list[tuple[str, int]]:
    return store.queues.waiting(queue)


def take(store: Store, running: TakeJob, job: Job, number: int = 1) -> Claim:
    """Take a job out of its queue, claim it and begin to train, as a worker does."""
    store.queues.withdraw("pippin-jax", job.id, number)
    return running(job, number)


def test_queued_job_is_paused_at_once_and_leaves_its_queue(store: Store, submit: Submit, claim: TakeJob) -> None:
    job = submit()
    assert store.jobs.pause(TENANT, job.id).status is Status.PAUSED
    assert waiting(store) == []
    with pytest.raises(Refused, match="the job is paused"):
        claim(job)
    assert store.reaping.requeue_orphans(0) == []
    assert [job.id for job in store.jobs.page(TENANT, status=Status.PAUSED).items] == [job.id]


def test_resumed_job_keeps_its_attempt_number(store: Store, submit: Submit, claim: TakeJob) -> None:
    job = submit()
    store.jobs.pause(TENANT, job.id)
    assert store.jobs.resume(TENANT, job.id).status is Status.QUEUED
    assert waiting(store) == [(job.id, 1)]
    claim(job)
    assert [move.to for move in read(store, job).transitions] == ["queued", "paused", "queued", "starting"]


def test_held_job_is_pausing_until_its_worker_releases_it(
    store: Store, submit: Submit, running: TakeJob, checkpoint: Checkpoints
) -> None:
    job = submit()
    held = take(store, running, job)
    assert store.jobs.pause(TENANT, job.id).status is Status.PAUSING
    assert (store.attempts.read_control(held), store.attempts.renew(held)) == (Control.PAUSE, Control.PAUSE)
    store.attempts.checkpoint(held, checkpoint(1, 7))
    store.attempts.paused(held)
    rests = read(store, job)
    assert (rests.status, rests.attempts[0].status) == (Status.PAUSED, "paused")
    assert rests.checkpoint == checkpoint(1, 7)
    assert (waiting(store), store.leases.expired()) == ([], [])
    store.jobs.resume(TENANT, job.id)
    assert waiting(store) == [(job.id, 2)]
    again = running(job, 2)
    assert store.attempts.renew(again) is Control.CONTINUE


def test_starting_attempt_is_paused(store: Store, submit: Submit, claim: TakeJob) -> None:
    job = submit()
    held = claim(job)
    store.jobs.pause(TENANT, job.id)
    store.attempts.running(held)
    assert read(store, job).status is Status.PAUSING
    store.attempts.paused(held)
    assert read(store, job).status is Status.PAUSED


@pytest.mark.parametrize("held", [False, True])
def test_repeated_pause_changes_nothing(store: Store, submit: Submit, running: TakeJob, held: bool) -> None:
    job = submit()
    if held:
        running(job)
    first = store.jobs.pause(TENANT, job.id)
    assert store.jobs.pause(TENANT, job.id) == first


def test_paused_can_be_sent_twice(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = running(job)
    store.jobs.pause(TENANT, job.id)
    store.attempts.paused(held)
    rests = read(store, job)
    store.attempts.paused(held)
    assert read(store, job) == rests
    store.jobs.resume(TENANT, job.id)
    store.attempts.paused(held)
    assert read(store, job).status is Status.QUEUED


def test_running_job_without_a_pause_request_cannot_end_as_paused(
    store: Store, submit: Submit, running: TakeJob
) -> None:
    job = submit()
    held = running(job)
    with pytest.raises(Refused, match="the job is running"):
        store.attempts.paused(held)


def test_handed_back_pausing_job_is_paused(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = take(store, running, job)
    store.jobs.pause(TENANT, job.id)
    store.attempts.hand_back(held)
    rests = read(store, job)
    assert (rests.status, rests.attempts[0].status, waiting(store)) == (Status.PAUSED, "handed_back", [])
    store.jobs.resume(TENANT, job.id)
    assert waiting(store) == [(job.id, 2)]


def test_pausing_job_of_a_lost_worker_is_paused(
    store: Store, submit: Submit, running: TakeJob, expire: Callable[[Job], None]
) -> None:
    job = submit()
    running(job)
    store.jobs.pause(TENANT, job.id)
    expire(job)
    assert store.reaping.requeue_lost(TENANT, job.id) is Status.PAUSED
    rests = read(store, job)
    assert (rests.status, waiting(store)) == (Status.PAUSED, [])
    (attempt,) = rests.attempts
    assert attempt.reason is not None
    assert (
        attempt.reason.detail
        == "The worker worker-1 stopped answering during attempt 1; the job is paused, as requested."
    )
    store.jobs.resume(TENANT, job.id)
    running(job, 2)


def test_last_lost_attempt_fails_a_pausing_job(
    store: Store, submit: Submit, running: TakeJob, expire: Callable[[Job], None]
) -> None:
    job = submit(max_attempts=1)
    running(job)
    store.jobs.pause(TENANT, job.id)
    expire(job)
    assert store.reaping.requeue_lost(TENANT, job.id) is Status.FAILED


def test_pausing_job_can_succeed_or_fail(
    store: Store, submit: Submit, running: TakeJob, trained: Callable[[Job], Artifact]
) -> None:
    done, failed = submit(), submit()
    for job in (done, failed):
        held = running(job)
        store.jobs.pause(TENANT, job.id)
        if job is done:
            store.attempts.succeed(held, trained(job))
        else:
            store.attempts.fail(held, Failure(code=Reason.DIVERGED, detail="The loss was not finite."))
    assert [read(store, job).status for job in (done, failed)] == [Status.SUCCEEDED, Status.FAILED]


def test_cancelled_pausing_job_ends_as_cancelled(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    held = running(job)
    store.jobs.pause(TENANT, job.id)
    assert store.jobs.cancel(TENANT, job.id).status is Status.CANCELLING
    with pytest.raises(Refused, match="cannot be paused: it is cancelling"):
        store.jobs.pause(TENANT, job.id)
    store.attempts.paused(held)
    assert read(store, job).status is Status.CANCELLED


def test_a_paused_job_can_be_cancelled_but_not_deleted(store: Store, submit: Submit) -> None:
    job = submit()
    store.jobs.pause(TENANT, job.id)
    with pytest.raises(Refused, match="it is paused; cancel it first"):
        store.jobs.delete(TENANT, job.id)
    assert store.jobs.cancel(TENANT, job.id).status is Status.CANCELLED
    with pytest.raises(Refused, match="cannot be resumed: it is cancelled"):
        store.jobs.resume(TENANT, job.id)
    with pytest.raises(Refused, match="cannot be paused: it is cancelled"):
        store.jobs.pause(TENANT, job.id)


def test_only_a_paused_job_is_resumed(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    assert store.jobs.resume(TENANT, job.id).status is Status.QUEUED
    assert waiting(store) == [(job.id, 1)]
    running(job)
    with pytest.raises(Refused, match="cannot be resumed: it is running"):
        store.jobs.resume(TENANT, job.id)
    store.jobs.pause(TENANT, job.id)
    with pytest.raises(Refused, match="cannot be resumed: it is pausing"):
        store.jobs.resume(TENANT, job.id)


def test_absent_job_cannot_be_paused_or_resumed(store: Store) -> None:
    for change in (store.jobs.pause, store.jobs.resume):
        with pytest.raises(NoSuchJob):
            change(TENANT, "job_" + "0" * 26)


def test_concurrent_resumes_queue_a_job_once(store: Store, submit: Submit) -> None:
    start = Barrier(4)

    def resume(job: Job) -> Status:
        start.wait()
        return store.jobs.resume(TENANT, job.id).status

    with ThreadPoolExecutor(4) as pool:
        for _ in range(5):
            job = submit()
            store.jobs.pause(TENANT, job.id)
            assert set(pool.map(resume, [job] * 4)) == {Status.QUEUED}
            assert waiting(store).count((job.id, 1)) == 1
            assert [move.to for move in read(store, job).transitions].count(Status.QUEUED) == 2


def test_concurrent_pause_and_claim_are_consistent(store: Store, submit: Submit) -> None:
    start = Barrier(2)

    def pause(job: Job) -> Status:
        start.wait()
        return store.jobs.pause(TENANT, job.id).status

    def claim(job: Job) -> bool:
        start.wait()
        try:
            store.attempts.claim(Claim(TENANT, job.id, 1, new_token()), worker="w", engine="jax")
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        for _ in range(20):
            job = submit()
            paused, claimed = pool.submit(pause, job), pool.submit(claim, job)
            assert paused.result() is (Status.PAUSING if claimed.result() else Status.PAUSED)
            assert read(store, job).status is paused.result()


def test_concurrent_pauses_and_resumes_keep_queue_and_status_consistent(store: Store, submit: Submit) -> None:
    job = submit()
    start = Barrier(4)

    def change(resumes: bool) -> None:
        start.wait()
        for _ in range(25):
            (store.jobs.resume if resumes else store.jobs.pause)(TENANT, job.id)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(change, [True, False, True, False]))
    queued = read(store, job).status is Status.QUEUED
    assert waiting(store) == ([(job.id, 1)] if queued else [])


def test_resumed_auto_job_goes_to_a_live_engine_or_its_checkpoints(
    store: Store, submit: Submit, running: TakeJob, report: WorkerReport, checkpoint: Checkpoints
) -> None:
    free, bound = submit(engine="auto"), submit(engine="auto")
    held = take(store, running, bound)
    store.attempts.checkpoint(held, checkpoint(0, 3))
    store.jobs.pause(TENANT, bound.id)
    store.attempts.paused(held)
    store.jobs.pause(TENANT, free.id)
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    for job in (free, bound):
        store.jobs.resume(TENANT, job.id)
    assert waiting(store, "pippin-coreml") == [(free.id, 1)]
    assert waiting(store) == [(bound.id, 2)]
    assert read(store, bound).waiting_for == "No live worker has the jax engine; start one with `pippin worker`."


def test_attempt_records_where_it_resumed(store: Store, submit: Submit, claim: TakeJob) -> None:
    job = submit()
    held = claim(job)
    place = Resumption(epoch=2, step=5, notice="jaxlib was another one.")
    store.attempts.running(held, place)
    store.attempts.running(held, place)
    assert read(store, job).attempts[0].resumed_from == place


def test_paused_time_does_not_count_towards_the_timeout(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit(timeout_seconds=3600)
    held = running(job)
    store.jobs.pause(TENANT, job.id)
    store.attempts.paused(held)
    store.redis.hset(f"pippin:{TENANT}:job:{job.id}:attempts", "1:started_at", "0")
    store.jobs.resume(TENANT, job.id)
    assert store.attempts.renew(running(job, 2)) is Control.CONTINUE
