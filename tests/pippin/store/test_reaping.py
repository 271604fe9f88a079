import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from pippin.api.jobs import Failure, Job
from pippin.api.states import Reason, Status
from pippin.store import Claim, LeaseLost, Store, WorkerReport, keys

TENANT = "default"
Submit = Callable[..., Job]
TakeJob = Callable[..., Claim]
Expire = Callable[[Job], None]


def read(store: Store, job: Job) -> Job:
    found = store.jobs.get(TENANT, job.id)
    assert found is not None
    return found


def test_lost_attempt_requeues_the_job_for_the_next(
    store: Store, submit: Submit, running: TakeJob, expire: Expire
) -> None:
    job = submit()
    store.queues.withdraw("pippin-jax", job.id, 1)
    running(job)
    assert store.leases.expired() == []
    expire(job)
    assert store.leases.expired() == [(TENANT, job.id)]
    assert store.reaping.requeue_lost(TENANT, job.id) is Status.QUEUED
    again = read(store, job)
    assert again.status is Status.QUEUED
    assert again.reason is None
    (attempt,) = again.attempts
    assert attempt.status == "lost"
    assert attempt.reason is not None
    assert attempt.reason.code is Reason.WORKER_LOST
    assert attempt.reason.detail == "The worker worker-1 stopped answering during attempt 1; the job is queued again."
    assert store.queues.waiting("pippin-jax") == [(job.id, 2)]
    assert store.leases.expired() == []
    assert store.reaping.requeue_lost(TENANT, job.id) is None
    running(job, 2)


def test_lost_job_is_requeued_at_the_front(store: Store, submit: Submit, running: TakeJob, expire: Expire) -> None:
    job = submit()
    store.queues.withdraw("pippin-jax", job.id, 1)
    running(job)
    waiting = [submit().id for _ in range(3)]
    expire(job)
    store.reaping.requeue_lost(TENANT, job.id)
    assert store.queues.waiting("pippin-jax") == [(job.id, 2), *((other, 1) for other in waiting)]


def test_dead_training_process_is_reported_at_once(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit(max_attempts=2)
    store.queues.withdraw("pippin-jax", job.id, 1)
    held = running(job)
    death = Failure(code=Reason.OUT_OF_MEMORY, detail="The training process was ended by SIGKILL.")
    assert store.reaping.report_lost(held, death) is Status.QUEUED
    assert store.reaping.report_lost(held, death) is None
    assert store.queues.waiting("pippin-jax") == [(job.id, 2)]
    assert store.reaping.report_lost(running(job, 2), death) is Status.FAILED
    failed = read(store, job)
    assert [attempt.status for attempt in failed.attempts] == ["lost", "lost"]
    assert failed.reason == Failure(
        code=Reason.OUT_OF_MEMORY,
        detail="The training process was ended by SIGKILL; 2 attempts were lost, and max_attempts is 2.",
    )


def test_job_with_a_live_lease_is_not_requeued(store: Store, submit: Submit, running: TakeJob) -> None:
    job = submit()
    assert store.reaping.requeue_lost(TENANT, job.id) is None
    running(job)
    assert store.reaping.requeue_lost(TENANT, job.id) is None
    assert store.reaping.requeue_lost(TENANT, "job_none") is None
    assert read(store, job).status is Status.RUNNING


def test_job_fails_when_its_attempts_are_exhausted(
    store: Store, submit: Submit, running: TakeJob, expire: Expire
) -> None:
    job = submit(max_attempts=2)
    for number, expected in ((1, Status.QUEUED), (2, Status.FAILED)):
        running(job, number)
        expire(job)
        assert store.reaping.requeue_lost(TENANT, job.id) is expected
    failed = read(store, job)
    assert failed.reason is not None
    assert failed.reason.code is Reason.WORKER_LOST
    assert failed.reason.detail == (
        "The worker worker-2 stopped answering during attempt 2; 2 attempts were lost, and max_attempts is 2."
    )
    assert [attempt.status for attempt in failed.attempts] == ["lost", "lost"]
    assert failed.finished_at is not None


def test_lost_job_after_its_timeout_fails(store: Store, submit: Submit, running: TakeJob, expire: Expire) -> None:
    job = submit(timeout_seconds=0.000001)
    running(job)
    expire(job)
    assert store.reaping.requeue_lost(TENANT, job.id) is Status.FAILED
    reason = read(store, job).reason
    assert reason is not None
    assert reason.code is Reason.TIMEOUT


def test_lost_cancelling_job_ends_as_cancelled(store: Store, submit: Submit, running: TakeJob, expire: Expire) -> None:
    job = submit()
    store.queues.withdraw("pippin-jax", job.id, 1)
    held = running(job)
    store.jobs.cancel(TENANT, job.id)
    expire(job)
    assert store.reaping.requeue_lost(TENANT, job.id) is Status.CANCELLED
    ended = read(store, job)
    assert ended.attempts[0].status == "lost"
    assert ended.reason is None
    assert store.queues.waiting("pippin-jax") == []
    with pytest.raises(LeaseLost):
        store.attempts.cancelled(held)


def test_renewal_during_the_reaping_keeps_the_job(
    store: Store, submit: Submit, running: TakeJob, expire: Expire, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = submit()
    store.queues.withdraw("pippin-jax", job.id, 1)
    held = running(job)
    expire(job)
    enqueue = store.queues.enqueue

    def renew_first(*args: object) -> None:
        store.attempts.renew(held)
        enqueue(*args)  # type: ignore[arg-type]  # passed on as received

    monkeypatch.setattr(store.queues, "enqueue", renew_first)
    assert store.reaping.requeue_lost(TENANT, job.id) is None
    assert read(store, job).status is Status.RUNNING
    assert store.queues.waiting("pippin-jax") == []


def test_concurrent_reapers_requeue_a_job_once(store: Store, submit: Submit, running: TakeJob, expire: Expire) -> None:
    job = submit()
    store.queues.withdraw("pippin-jax", job.id, 1)
    running(job)
    expire(job)
    start = threading.Barrier(6)

    def reap(_: int) -> Status | None:
        start.wait()
        return store.reaping.requeue_lost(TENANT, job.id)

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(reap, range(6)))
    assert sorted(outcome for outcome in outcomes if outcome) == [Status.QUEUED]
    assert store.queues.waiting("pippin-jax") == [(job.id, 2)]


def test_rq_records_of_a_lost_attempt_are_deleted(
    store: Store, submit: Submit, running: TakeJob, expire: Expire
) -> None:
    job = submit()
    store.redis.lmove("rq:queue:pippin-jax", "rq:queue:pippin-jax:intermediate")
    running(job)
    expire(job)
    store.reaping.requeue_lost(TENANT, job.id)
    assert store.redis.lrange("rq:queue:pippin-jax:intermediate", 0, -1) == []
    assert store.redis.keys("rq:job:*") == [f"rq:job:{job.id}-2"]


def test_queued_job_in_no_queue_is_requeued(store: Store, submit: Submit, claim: TakeJob) -> None:
    lost, waiting, popped = submit(), submit(), submit()
    store.queues.withdraw("pippin-jax", lost.id, 1)
    store.redis.lrem("rq:queue:pippin-jax", 1, f"{popped.id}-1")
    store.redis.rpush("rq:queue:pippin-jax:intermediate", f"{popped.id}-1")
    assert store.reaping.requeue_orphans(30) == [], "it may be on its way to a claim"
    assert store.reaping.requeue_orphans(30) == []
    for missing in store.redis.hkeys(keys.STRAYS):
        store.redis.hset(keys.STRAYS, missing, 1)  # as if that had been long ago
    assert sorted(store.reaping.requeue_orphans(30)) == sorted([(TENANT, lost.id), (TENANT, popped.id)])
    assert sorted(store.queues.waiting("pippin-jax")) == sorted((job.id, 1) for job in (lost, waiting, popped))
    assert store.redis.lrange("rq:queue:pippin-jax:intermediate", 0, -1) == []
    assert store.redis.exists(keys.STRAYS) == 0
    claim(lost)


def test_claimed_job_is_not_requeued_as_an_orphan(store: Store, submit: Submit, claim: TakeJob) -> None:
    job = submit()
    store.queues.withdraw("pippin-jax", job.id, 1)
    assert store.reaping.requeue_orphans(30) == []
    assert store.redis.exists(keys.STRAYS) == 1
    claim(job)
    assert store.reaping.requeue_orphans(0) == []
    assert store.redis.exists(keys.STRAYS) == 0


def test_auto_jobs_move_to_a_live_engine(store: Store, submit: Submit, report: WorkerReport) -> None:
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    auto, fixed = submit(engine="auto"), submit(engine="coreml")
    assert store.reaping.move_stranded() == []
    store.workers.remove(report.name)
    assert store.reaping.move_stranded() == []
    store.workers.heartbeat(report.model_copy(update={"engines": ["jax"]}))
    assert store.reaping.move_stranded() == [(TENANT, auto.id)]
    assert store.queues.waiting("pippin-jax") == [(auto.id, 1)]
    assert store.queues.waiting("pippin-coreml") == [(fixed.id, 1)]
    store.jobs.cancel(TENANT, auto.id)
    assert store.queues.waiting("pippin-jax") == []


def test_only_auto_jobs_that_core_ml_trains_move_to_core_ml(store: Store, submit: Submit, report: WorkerReport) -> None:
    auto, neighbors, fixed = submit(engine="auto"), submit(engine="auto", engines=["jax"]), submit(engine="jax")
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    assert store.reaping.move_stranded() == [(TENANT, auto.id)]
    assert store.queues.waiting("pippin-coreml") == [(auto.id, 1)]
    assert store.queues.waiting("pippin-jax") == [(neighbors.id, 1), (fixed.id, 1)]
    assert store.reaping.move_stranded() == []


def test_a_lost_auto_job_moves_with_its_next_attempt(
    *, store: Store, submit: Submit, claim: TakeJob, expire: Expire, report: WorkerReport
) -> None:
    job = submit(engine="auto")
    claim(job)
    expire(job)
    store.reaping.requeue_lost(TENANT, job.id)
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    assert store.reaping.move_stranded() == [(TENANT, job.id)]
    assert store.queues.waiting("pippin-coreml") == [(job.id, 2)]


def test_only_one_reaper_acts(store: Store) -> None:
    assert store.reaping.acquire_leadership("first", 30)
    assert not store.reaping.acquire_leadership("second", 30)
    assert store.reaping.acquire_leadership("first", 30)
    store.reaping.resign("second")
    assert not store.reaping.acquire_leadership("second", 30)
    store.reaping.resign("first")
    assert store.reaping.acquire_leadership("second", 30)
    assert 29_000 < store.redis.pttl(keys.REAPER_LEADER) <= 30_000


def test_a_silent_reaper_is_replaced(store: Store) -> None:
    assert store.reaping.acquire_leadership("first", 30)
    store.redis.pexpire(keys.REAPER_LEADER, 0)
    assert store.reaping.acquire_leadership("second", 30)
