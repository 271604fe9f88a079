from datetime import UTC, datetime, timedelta

import pytest

from pippin.store import Store, WorkerReport, keys


def test_a_worker_is_listed_with_the_time_of_its_heartbeat(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report)
    store.workers.heartbeat(report.model_copy(update={"state": "busy", "current_job": "job_1"}))
    (worker,) = store.workers.all()
    assert worker.model_dump(exclude={"last_heartbeat"}) == report.model_dump() | {
        "state": "busy",
        "current_job": "job_1",
    }
    assert abs(worker.last_heartbeat - datetime.now(UTC)) < timedelta(minutes=1)


def test_workers_are_listed_by_name(store: Store, report: WorkerReport) -> None:
    for name in ("b", "c", "a"):
        store.workers.heartbeat(report.model_copy(update={"name": name}))
    store.workers.remove("c")
    store.workers.remove("nobody")
    assert [worker.name for worker in store.workers.all()] == ["a", "b"]


def test_a_silent_worker_gets_no_work_and_is_forgotten(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report)
    assert store.workers.live_engines() == {"jax"}
    seconds, _ = store.redis.time()
    store.redis.zadd(keys.WORKERS, {report.name: (seconds - 40) * 1_000_000})
    assert store.workers.live_engines() == set()
    assert [worker.name for worker in store.workers.all()] == [report.name]
    store.redis.zadd(keys.WORKERS, {report.name: (seconds - 130) * 1_000_000})
    assert store.workers.all() == []
    store.workers.heartbeat(report.model_copy(update={"name": "mac-2"}))
    assert store.redis.zrange(keys.WORKERS, 0, -1) == ["mac-2"]
    assert 100 < store.redis.ttl(keys.worker("mac-2")) <= 120


def test_a_worker_whose_record_has_expired_is_not_listed(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report)
    store.redis.delete(keys.worker(report.name))
    assert store.workers.all() == []


def test_a_job_for_one_engine_goes_to_its_queue_whoever_lives(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml", "jax"]}))
    assert store.workers.queue_for(["jax"]) == "pippin-jax"
    assert store.workers.queue_for(["coreml"]) == "pippin-coreml"
    assert store.workers.queue_for(["coreml", "jax"]) == "pippin-coreml"


@pytest.mark.parametrize(("silent_for", "queue"), [(29, "pippin-coreml"), (31, "pippin-jax")])
def test_a_core_ml_worker_counts_for_half_a_minute_by_the_clock_of_redis(
    *, store: Store, report: WorkerReport, silent_for: int, queue: str
) -> None:
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    seconds, microseconds = store.redis.time()
    last = (seconds - silent_for) * 1_000_000 + microseconds
    store.redis.zadd(keys.WORKERS, {report.name: last})
    assert store.workers.queue_for(["coreml", "jax"]) == queue


def test_a_worker_that_drains_gets_no_more_work(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"], "state": "draining"}))
    assert store.workers.live_engines() == set()
    assert store.workers.queue_for(["coreml", "jax"]) == "pippin-jax"
    assert [worker.state for worker in store.workers.alive()] == ["draining"]
