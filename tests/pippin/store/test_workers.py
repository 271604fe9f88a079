from datetime import UTC, datetime, timedelta

import pytest

from pippin.api.workers import Drain
from pippin.store import AmbiguousName, NoSuchWorker, Store, WorkerReport, keys


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


def test_silent_worker_gets_no_jobs_and_expires(store: Store, report: WorkerReport) -> None:
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


def test_worker_with_an_expired_record_is_not_listed(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report)
    store.redis.delete(keys.worker(report.name))
    assert store.workers.all() == []


def test_job_for_one_engine_goes_to_its_queue_regardless_of_workers(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml", "jax"]}))
    assert store.workers.queue_for(["jax"]) == "pippin-jax"
    assert store.workers.queue_for(["coreml"]) == "pippin-coreml"
    assert store.workers.queue_for(["coreml", "jax"]) == "pippin-coreml"


@pytest.mark.parametrize(("silent_for", "queue"), [(29, "pippin-coreml"), (31, "pippin-jax")])
def test_core_ml_worker_counts_as_live_for_30_seconds(
    *, store: Store, report: WorkerReport, silent_for: int, queue: str
) -> None:
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    seconds, microseconds = store.redis.time()
    last = (seconds - silent_for) * 1_000_000 + microseconds
    store.redis.zadd(keys.WORKERS, {report.name: last})
    assert store.workers.queue_for(["coreml", "jax"]) == queue


def test_draining_worker_gets_no_more_jobs(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"], "state": "draining"}))
    assert store.workers.live_engines() == set()
    assert store.workers.queue_for(["coreml", "jax"]) == "pippin-jax"
    assert [worker.state for worker in store.workers.alive()] == ["draining"]


@pytest.mark.parametrize("name", ["mac-1", "mac-1-0", "mac-1-0a"])
def test_worker_is_found_by_its_name_or_a_prefix(store: Store, report: WorkerReport, name: str) -> None:
    for each in ("mac-1-0a", "mac-2-0b"):
        store.workers.heartbeat(report.model_copy(update={"name": each}))
    assert store.workers.find(name).name == "mac-1-0a"


def test_whole_name_takes_precedence_over_a_prefix(store: Store, report: WorkerReport) -> None:
    for each in ("mac", "mac-1"):
        store.workers.heartbeat(report.model_copy(update={"name": each}))
    assert store.workers.find("mac").name == "mac"


def test_unknown_or_ambiguous_name_is_refused_with_candidates(store: Store, report: WorkerReport) -> None:
    with pytest.raises(NoSuchWorker, match="no worker is alive"):
        store.workers.drain("mac-1", Drain.FINISH)
    for number in range(12):
        store.workers.heartbeat(report.model_copy(update={"name": f"mac-{number:02}"}))
    with pytest.raises(NoSuchWorker, match=r"'pc'; the workers are mac-00, mac-01, .*mac-09 and 2 more$"):
        store.workers.undrain("pc")
    with pytest.raises(AmbiguousName, match=r"^2 workers .* 'mac-1': mac-10, mac-11$"):
        store.workers.drain("mac-1", Drain.FINISH)
    assert store.redis.keys("*:drain") == []


def test_drained_worker_is_excluded_at_once(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report)
    assert store.workers.drain("mac", Drain.FINISH).state == "draining"
    assert store.workers.live_engines() == set()
    assert store.workers.drain_of(report.name) is Drain.FINISH
    store.workers.heartbeat(report.model_copy(update={"state": "busy"}))
    assert [worker.state for worker in store.workers.all()] == ["draining"]
    store.workers.heartbeat(report.model_copy(update={"state": "drained"}))
    assert [worker.state for worker in store.workers.all()] == ["drained"]
    assert store.workers.live_engines() == set()


def test_last_drain_mode_applies(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report)
    store.workers.drain("mac-1", Drain.FINISH)
    store.workers.drain("mac-1", Drain.HAND_BACK)
    assert store.workers.drain_of(report.name) is Drain.HAND_BACK
    assert store.workers.undrain("mac-1").state == "idle"
    assert store.workers.undrain("mac-1").state == "idle"
    assert store.workers.drain_of(report.name) is None
    assert store.workers.live_engines() == {"jax"}


def test_heartbeats_extend_a_drain_to_a_day_after_the_last(store: Store, report: WorkerReport) -> None:
    store.workers.heartbeat(report)
    store.workers.drain("mac-1", Drain.FINISH)
    store.redis.expire(keys.drain(report.name), 10)
    store.workers.heartbeat(report)
    assert store.redis.ttl(keys.drain(report.name)) > 80_000
    store.workers.remove(report.name)
    assert store.redis.exists(keys.drain(report.name)) == 0
