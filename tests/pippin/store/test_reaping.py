import pytest

from pippin.api.jobs import Failure
from pippin.api.states import Reason, Status
from pippin.store import LeaseLost, Store, keys
from tests.pippin.store.driver import TENANT, WORKER, Driver, at_once

RQ_QUEUE = "rq:queue:pippin-jax"
TAKEN = f"{RQ_QUEUE}:intermediate"


def test_lost_attempt_requeues_the_job_for_the_next(store: Store, driver: Driver) -> None:
    job, _ = driver.start()
    assert store.leases.expired() == []
    driver.expire(job)
    assert store.leases.expired() == [(TENANT, job.id)]
    assert store.reaping.requeue_lost(TENANT, job.id) is Status.QUEUED
    again = driver.read(job)
    assert (again.status, again.reason) == (Status.QUEUED, None)
    (attempt,) = again.attempts
    detail = "The worker worker-1 stopped answering during attempt 1; the job is queued again."
    assert (attempt.status, attempt.reason) == ("lost", Failure(code=Reason.WORKER_LOST, detail=detail))
    assert (driver.waiting(), store.leases.expired()) == ([(job.id, 2)], [])
    assert store.reaping.requeue_lost(TENANT, job.id) is None
    driver.run(job, 2)


def test_lost_job_is_requeued_at_the_front(driver: Driver) -> None:
    job, _ = driver.start()
    waiting = [driver.submit().id for _ in range(3)]
    driver.lose(job)
    assert driver.waiting() == [(job.id, 2), *((other, 1) for other in waiting)]


def test_dead_training_process_is_reported_at_once(store: Store, driver: Driver) -> None:
    job, held = driver.start(max_attempts=2)
    death = Failure(code=Reason.OUT_OF_MEMORY, detail="The training process was ended by SIGKILL.")
    assert [store.reaping.report_lost(held, death) for _ in range(2)] == [Status.QUEUED, None]
    assert driver.waiting() == [(job.id, 2)]
    assert store.reaping.report_lost(driver.run(job, 2), death) is Status.FAILED
    failed = driver.read(job)
    assert [attempt.status for attempt in failed.attempts] == ["lost", "lost"]
    detail = "The training process was ended by SIGKILL; 2 attempts were lost, and max_attempts is 2."
    assert failed.reason == Failure(code=Reason.OUT_OF_MEMORY, detail=detail)


def test_job_with_a_live_lease_is_not_requeued(store: Store, driver: Driver) -> None:
    job = driver.submit()
    assert store.reaping.requeue_lost(TENANT, job.id) is None
    driver.run(job)
    assert store.reaping.requeue_lost(TENANT, job.id) is None
    assert store.reaping.requeue_lost(TENANT, "job_none") is None
    assert driver.status(job) is Status.RUNNING


def test_job_fails_when_its_attempts_are_exhausted(driver: Driver) -> None:
    job = driver.submit(max_attempts=2)
    for number, expected in ((1, Status.QUEUED), (2, Status.FAILED)):
        driver.run(job, number)
        assert driver.lose(job) is expected
    failed = driver.read(job)
    detail = "The worker worker-2 stopped answering during attempt 2; 2 attempts were lost, and max_attempts is 2."
    assert failed.reason == Failure(code=Reason.WORKER_LOST, detail=detail)
    assert [attempt.status for attempt in failed.attempts] == ["lost", "lost"]
    assert failed.finished_at is not None


def test_lost_job_after_its_timeout_fails(driver: Driver) -> None:
    job, _ = driver.start(timeout_seconds=0.000001)
    assert driver.lose(job) is Status.FAILED
    reason = driver.read(job).reason
    assert reason is not None
    assert reason.code is Reason.TIMEOUT


def test_lost_cancelling_job_ends_as_cancelled(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.jobs.cancel(TENANT, job.id)
    assert driver.lose(job) is Status.CANCELLED
    ended = driver.read(job)
    assert (ended.attempts[0].status, ended.reason, driver.waiting()) == ("lost", None, [])
    with pytest.raises(LeaseLost):
        store.attempts.cancelled(held)


def test_renewal_during_the_reaping_keeps_the_job(
    store: Store, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, held = driver.start()
    enqueue = store.queues.enqueue

    def renew_first(*args: object) -> None:
        store.attempts.renew(held)
        enqueue(*args)

    monkeypatch.setattr(store.queues, "enqueue", renew_first)
    assert driver.lose(job) is None
    assert (driver.status(job), driver.waiting()) == (Status.RUNNING, [])


def test_concurrent_reapers_requeue_a_job_once(store: Store, driver: Driver) -> None:
    job, _ = driver.start()
    driver.expire(job)
    outcomes = at_once(lambda job_id: store.reaping.requeue_lost(TENANT, job_id), [job.id] * 6)
    assert [outcome for outcome in outcomes if outcome] == [Status.QUEUED]
    assert driver.waiting() == [(job.id, 2)]


def test_rq_records_of_a_lost_attempt_are_deleted(store: Store, driver: Driver) -> None:
    job = driver.submit()
    store.redis.lmove(RQ_QUEUE, TAKEN)
    driver.run(job)
    driver.lose(job)
    assert store.redis.lrange(TAKEN, 0, -1) == []
    assert store.redis.keys("rq:job:*") == [f"rq:job:{job.id}-2"]


def test_queued_job_in_no_queue_is_requeued(store: Store, driver: Driver) -> None:
    lost, waiting, taken = (driver.submit() for _ in range(3))
    driver.withdraw(lost)
    store.redis.lrem(RQ_QUEUE, 1, f"{taken.id}-1")
    store.redis.rpush(TAKEN, f"{taken.id}-1")
    assert store.reaping.requeue_orphans(30) == [], "it may be on its way to a claim"
    assert store.reaping.requeue_orphans(30) == []
    for missing in store.redis.hkeys(keys.STRAYS):
        store.redis.hset(keys.STRAYS, missing, 1)  # as if that had been long ago
    assert set(store.reaping.requeue_orphans(30)) == {(TENANT, lost.id), (TENANT, taken.id)}
    assert sorted(driver.waiting()) == sorted((job.id, 1) for job in (lost, waiting, taken))
    assert (store.redis.lrange(TAKEN, 0, -1), store.redis.exists(keys.STRAYS)) == ([], 0)
    driver.claim(lost)


def test_claimed_job_is_not_requeued_as_an_orphan(store: Store, driver: Driver) -> None:
    job = driver.submit()
    driver.withdraw(job)
    assert store.reaping.requeue_orphans(30) == []
    assert store.redis.exists(keys.STRAYS) == 1
    driver.claim(job)
    assert store.reaping.requeue_orphans(0) == []
    assert store.redis.exists(keys.STRAYS) == 0


def test_auto_jobs_move_to_a_live_engine(store: Store, driver: Driver) -> None:
    driver.heartbeat(engines=["coreml"])
    auto, fixed = driver.submit(engine="auto"), driver.submit(engine="coreml")
    assert store.reaping.move_stranded() == []
    store.workers.remove(WORKER)
    assert store.reaping.move_stranded() == []
    driver.heartbeat(engines=["jax"])
    assert store.reaping.move_stranded() == [(TENANT, auto.id)]
    assert driver.waiting() == [(auto.id, 1)]
    assert driver.waiting("pippin-coreml") == [(fixed.id, 1)]
    store.jobs.cancel(TENANT, auto.id)
    assert driver.waiting() == []


def test_only_auto_jobs_that_core_ml_trains_move_to_core_ml(store: Store, driver: Driver) -> None:
    engines = ({"engine": "auto"}, {"engine": "auto", "engines": ["jax"]}, {"engine": "jax"})
    auto, neighbors, fixed = (driver.submit(**fields) for fields in engines)
    driver.heartbeat(engines=["coreml"])
    assert store.reaping.move_stranded() == [(TENANT, auto.id)]
    assert driver.waiting("pippin-coreml") == [(auto.id, 1)]
    assert driver.waiting() == [(neighbors.id, 1), (fixed.id, 1)]
    assert store.reaping.move_stranded() == []


def test_lost_auto_job_moves_with_its_next_attempt(store: Store, driver: Driver) -> None:
    job = driver.submit(engine="auto")
    driver.claim(job)
    driver.lose(job)
    driver.heartbeat(engines=["coreml"])
    assert store.reaping.move_stranded() == [(TENANT, job.id)]
    assert driver.waiting("pippin-coreml") == [(job.id, 2)]


def test_only_one_reaper_acts(store: Store) -> None:
    assert [store.reaping.acquire_leadership(name, 30) for name in ("first", "second", "first")] == [True, False, True]
    store.reaping.resign("second")
    assert not store.reaping.acquire_leadership("second", 30)
    store.reaping.resign("first")
    assert store.reaping.acquire_leadership("second", 30)
    assert 20_000 < store.redis.pttl(keys.REAPER_LEADER) <= 30_000


def test_silent_reaper_is_replaced(store: Store) -> None:
    assert store.reaping.acquire_leadership("first", 30)
    store.redis.pexpire(keys.REAPER_LEADER, 0)
    assert store.reaping.acquire_leadership("second", 30)
