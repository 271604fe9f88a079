from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest

from pippin.api.checkpoints import Resumption
from pippin.api.jobs import Job
from pippin.api.states import Status
from pippin.store import Control, Refused, Store, keys
from tests.pippin.store.driver import TENANT, Driver, at_once
from tests.support.records import stored_checkpoint


def test_queued_job_is_paused_at_once_and_leaves_its_queue(store: Store, driver: Driver) -> None:
    job = driver.submit()
    assert store.jobs.pause(TENANT, job.id).status is Status.PAUSED
    assert driver.waiting() == []
    with pytest.raises(Refused, match="the job is paused"):
        driver.claim(job)
    assert store.reaping.requeue_orphans(0) == []
    assert [job.id for job in store.jobs.page(TENANT, status=Status.PAUSED).items] == [job.id]


def test_resumed_job_keeps_its_attempt_number(store: Store, driver: Driver) -> None:
    job = driver.submit()
    store.jobs.pause(TENANT, job.id)
    assert store.jobs.resume(TENANT, job.id).status is Status.QUEUED
    assert driver.waiting() == [(job.id, 1)]
    driver.claim(job)
    assert [move.to for move in driver.read(job).transitions] == ["queued", "paused", "queued", "starting"]


@pytest.mark.parametrize("ending", ["paused", "hand_back"])
def test_held_job_is_pausing_until_its_worker_releases_it(store: Store, driver: Driver, ending: str) -> None:
    job, held = driver.start()
    assert store.jobs.pause(TENANT, job.id).status is Status.PAUSING
    assert (store.attempts.read_control(held), store.attempts.renew(held)) == (Control.PAUSE, Control.PAUSE)
    store.attempts.checkpoint(held, stored_checkpoint(1, 7))
    getattr(store.attempts, ending)(held)
    paused = driver.read(job)
    assert (paused.status, paused.checkpoint) == (Status.PAUSED, stored_checkpoint(1, 7))
    assert (driver.waiting(), store.leases.expired()) == ([], [])
    store.jobs.resume(TENANT, job.id)
    assert driver.waiting() == [(job.id, 2)]
    assert store.attempts.renew(driver.run(job, 2)) is Control.CONTINUE


@pytest.mark.parametrize("held", [False, True])
def test_repeated_pause_changes_nothing(store: Store, driver: Driver, held: bool) -> None:
    job = driver.submit()
    if held:
        driver.run(job)
    first = store.jobs.pause(TENANT, job.id)
    assert store.jobs.pause(TENANT, job.id) == first


def test_pause_of_an_attempt_sent_again_does_not_pause_the_resumed_job(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.jobs.pause(TENANT, job.id)
    store.attempts.paused(held)
    store.jobs.resume(TENANT, job.id)
    store.attempts.paused(held)
    assert driver.status(job) is Status.QUEUED


def test_pausing_job_of_a_lost_worker_is_paused(store: Store, driver: Driver) -> None:
    job, _ = driver.start()
    store.jobs.pause(TENANT, job.id)
    assert driver.lose(job) is Status.PAUSED
    paused = driver.read(job)
    assert (paused.status, driver.waiting()) == (Status.PAUSED, [])
    reason = "The worker worker-1 stopped answering during attempt 1; the job is paused, as requested."
    assert [attempt.reason and attempt.reason.detail for attempt in paused.attempts] == [reason]
    store.jobs.resume(TENANT, job.id)
    driver.run(job, 2)


def test_last_lost_attempt_fails_a_pausing_job(store: Store, driver: Driver) -> None:
    job, _ = driver.start(max_attempts=1)
    store.jobs.pause(TENANT, job.id)
    assert driver.lose(job) is Status.FAILED


def test_cancelled_pausing_job_ends_as_cancelled(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.jobs.pause(TENANT, job.id)
    assert store.jobs.cancel(TENANT, job.id).status is Status.CANCELLING
    store.attempts.paused(held)
    assert driver.status(job) is Status.CANCELLED


def test_paused_job_can_be_cancelled_but_not_deleted(store: Store, driver: Driver) -> None:
    job = driver.submit()
    store.jobs.pause(TENANT, job.id)
    with pytest.raises(Refused, match="it is paused; cancel it first"):
        store.jobs.delete(TENANT, job.id)
    assert store.jobs.cancel(TENANT, job.id).status is Status.CANCELLED


@pytest.mark.parametrize(
    ("requests", "refused", "status"),
    [
        ([], "resume", "running"),
        (["pause"], "resume", "pausing"),
        (["cancel"], "pause", "cancelling"),
        (["cancel", "cancelled"], "resume", "cancelled"),
        (["cancel", "cancelled"], "pause", "cancelled"),
    ],
)
def test_change_that_does_not_fit_the_status_is_refused(
    *, store: Store, driver: Driver, requests: list[str], refused: str, status: str
) -> None:
    job, held = driver.start()
    for request in requests:
        store.attempts.cancelled(held) if request == "cancelled" else getattr(store.jobs, request)(TENANT, job.id)
    with pytest.raises(Refused, match=f"cannot be {refused}d: it is {status}"):
        getattr(store.jobs, refused)(TENANT, job.id)


def test_resume_of_a_queued_job_changes_nothing(store: Store, driver: Driver) -> None:
    job = driver.submit()
    assert store.jobs.resume(TENANT, job.id).status is Status.QUEUED
    assert driver.waiting() == [(job.id, 1)]


def test_concurrent_resumes_queue_a_job_once(store: Store, driver: Driver) -> None:
    for _ in range(5):
        job = driver.submit()
        store.jobs.pause(TENANT, job.id)
        resumed = at_once(lambda job_id: store.jobs.resume(TENANT, job_id), [job.id] * 4)
        assert {each.status for each in resumed} == {Status.QUEUED}
        assert driver.waiting().count((job.id, 1)) == 1
        assert [move.to for move in driver.read(job).transitions].count(Status.QUEUED) == 2


def test_concurrent_pause_and_claim_are_consistent(store: Store, driver: Driver) -> None:
    def pause(job: Job) -> Status:
        return store.jobs.pause(TENANT, job.id).status

    def claim(job: Job) -> bool:
        with suppress(Refused):
            return bool(driver.claim(job))
        return False

    for _ in range(20):
        job = driver.submit()
        changes: list[Callable[[], object]] = [partial(pause, job), partial(claim, job)]
        paused, claimed = at_once(lambda change: change(), changes)
        assert paused is (Status.PAUSING if claimed else Status.PAUSED)
        assert driver.status(job) is paused


def test_concurrent_pauses_and_resumes_keep_queue_and_status_consistent(store: Store, driver: Driver) -> None:
    job = driver.submit()

    def repeat(change: Callable[[str, str], Job]) -> None:
        for _ in range(25):
            change(TENANT, job.id)

    at_once(repeat, [store.jobs.resume, store.jobs.pause] * 2)
    queued = driver.status(job) is Status.QUEUED
    assert driver.waiting() == ([(job.id, 1)] if queued else [])


def test_resumed_auto_job_goes_to_a_live_engine_or_its_checkpoints(store: Store, driver: Driver) -> None:
    bound, held = driver.start(engine="auto")
    free = driver.submit(engine="auto")
    store.attempts.checkpoint(held, stored_checkpoint(0, 3))
    for job in (free, bound):
        store.jobs.pause(TENANT, job.id)
    store.attempts.paused(held)
    driver.heartbeat(engines=["coreml"])
    for job in (free, bound):
        store.jobs.resume(TENANT, job.id)
    assert driver.waiting("pippin-coreml") == [(free.id, 1)]
    assert driver.waiting() == [(bound.id, 2)]
    assert driver.read(bound).waiting_for == "No live worker has the jax engine; start one with `pippin worker`."


def test_attempt_records_where_it_resumed(store: Store, driver: Driver) -> None:
    job = driver.submit()
    held = driver.claim(job)
    place = Resumption(epoch=2, step=5, notice="jaxlib was another one.")
    for _ in range(2):
        store.attempts.running(held, place)
    assert driver.read(job).attempts[0].resumed_from == place


def test_paused_time_does_not_count_towards_the_timeout(store: Store, driver: Driver) -> None:
    job, held = driver.start(timeout_seconds=3600)
    store.jobs.pause(TENANT, job.id)
    store.attempts.paused(held)
    store.redis.hset(keys.job(TENANT, job.id).attempts, "1:started_at", "0")
    store.jobs.resume(TENANT, job.id)
    assert store.attempts.renew(driver.run(job, 2)) is Control.CONTINUE
