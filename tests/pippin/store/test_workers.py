from datetime import UTC, datetime, timedelta

import pytest

from pippin.api.workers import Drain
from pippin.store import AmbiguousName, NoSuchWorker, Store, keys
from tests.pippin.store.driver import WORKER, Driver
from tests.support.records import worker_report


def test_worker_is_listed_with_the_time_of_its_heartbeat(store: Store, driver: Driver) -> None:
    driver.heartbeat()
    busy = worker_report(state="busy", current_job="job_1")
    store.workers.heartbeat(busy)
    (worker,) = store.workers.all()
    assert worker.model_dump(exclude={"last_heartbeat"}) == busy.model_dump()
    assert abs(worker.last_heartbeat - datetime.now(UTC)) < timedelta(minutes=1)


def test_workers_are_listed_by_name(store: Store, driver: Driver) -> None:
    driver.heartbeat("b", "c", "a")
    for removed in ("c", "absent"):
        store.workers.remove(removed)
    assert [worker.name for worker in store.workers.all()] == ["a", "b"]


def test_silent_worker_gets_no_jobs_and_expires(store: Store, driver: Driver) -> None:
    driver.heartbeat()
    assert store.workers.live_engines() == {"jax"}
    now = store.now()
    store.redis.zadd(keys.WORKERS, {WORKER: (now - 40) * 1e6})
    assert store.workers.live_engines() == set()
    assert [worker.name for worker in store.workers.all()] == [WORKER]
    store.redis.zadd(keys.WORKERS, {WORKER: (now - 130) * 1e6})
    assert store.workers.all() == []
    driver.heartbeat("mac-2")
    assert store.redis.zrange(keys.WORKERS, 0, -1) == ["mac-2"]
    assert 100 < store.redis.ttl(keys.worker("mac-2")) <= 120


def test_worker_with_an_expired_record_is_not_listed(store: Store, driver: Driver) -> None:
    driver.heartbeat()
    store.redis.delete(keys.worker(WORKER))
    assert store.workers.all() == []


def test_job_for_one_engine_goes_to_its_queue_regardless_of_workers(store: Store, driver: Driver) -> None:
    driver.heartbeat(engines=["coreml", "jax"])
    engines = (["jax"], ["coreml"], ["coreml", "jax"])
    assert [store.workers.queue_for(each) for each in engines] == ["pippin-jax", "pippin-coreml", "pippin-coreml"]


@pytest.mark.parametrize(("silent_for", "queue"), [(25, "pippin-coreml"), (31, "pippin-jax")])
def test_core_ml_worker_counts_as_live_for_30_seconds(
    store: Store, driver: Driver, silent_for: int, queue: str
) -> None:
    driver.heartbeat(engines=["coreml"])
    store.redis.zadd(keys.WORKERS, {WORKER: (store.now() - silent_for) * 1e6})
    assert store.workers.queue_for(["coreml", "jax"]) == queue


def test_draining_worker_gets_no_more_jobs(store: Store, driver: Driver) -> None:
    driver.heartbeat(engines=["coreml"], state="draining")
    assert store.workers.live_engines() == set()
    assert store.workers.queue_for(["coreml", "jax"]) == "pippin-jax"
    assert [worker.state for worker in store.workers.alive()] == ["draining"]


@pytest.mark.parametrize(
    ("names", "text", "name"),
    [
        pytest.param(["mac-1-0a", "mac-2-0b"], "mac-1-0a", "mac-1-0a", id="whole name"),
        pytest.param(["mac-1-0a", "mac-2-0b"], "mac-1", "mac-1-0a", id="prefix"),
        pytest.param(["mac", "mac-1"], "mac", "mac", id="whole name that is the prefix of another"),
    ],
)
def test_worker_is_found_by_its_name_or_a_prefix(
    store: Store, driver: Driver, names: list[str], text: str, name: str
) -> None:
    driver.heartbeat(*names)
    assert store.workers.find(text).name == name


def test_unknown_or_ambiguous_name_is_refused_with_candidates(store: Store, driver: Driver) -> None:
    with pytest.raises(NoSuchWorker, match="no worker is alive"):
        store.workers.drain(WORKER, Drain.FINISH)
    driver.heartbeat(*(f"mac-{number:02}" for number in range(12)))
    with pytest.raises(NoSuchWorker, match=r"'pc'; the workers are mac-00, mac-01, .*mac-09 and 2 more$"):
        store.workers.undrain("pc")
    with pytest.raises(AmbiguousName, match=r"^2 workers .* 'mac-1': mac-10, mac-11$"):
        store.workers.drain(WORKER, Drain.FINISH)
    assert store.redis.keys("*:drain") == []


def test_drained_worker_is_excluded_at_once(store: Store, driver: Driver) -> None:
    driver.heartbeat()
    assert store.workers.drain("mac", Drain.FINISH).state == "draining"
    assert store.workers.live_engines() == set()
    assert store.workers.drain_of(WORKER) is Drain.FINISH
    driver.heartbeat(state="busy")
    assert [worker.state for worker in store.workers.all()] == ["draining"]
    driver.heartbeat(state="drained")
    assert [worker.state for worker in store.workers.all()] == ["drained"]
    assert store.workers.live_engines() == set()


def test_last_drain_mode_applies(store: Store, driver: Driver) -> None:
    driver.heartbeat()
    store.workers.drain(WORKER, Drain.FINISH)
    store.workers.drain(WORKER, Drain.HAND_BACK)
    assert store.workers.drain_of(WORKER) is Drain.HAND_BACK
    assert [store.workers.undrain(WORKER).state for _ in range(2)] == ["idle", "idle"]
    assert store.workers.drain_of(WORKER) is None
    assert store.workers.live_engines() == {"jax"}


def test_heartbeats_extend_a_drain_to_a_day_after_the_last(store: Store, driver: Driver) -> None:
    driver.heartbeat()
    store.workers.drain(WORKER, Drain.FINISH)
    store.redis.expire(keys.drain(WORKER), 10)
    driver.heartbeat()
    assert store.redis.ttl(keys.drain(WORKER)) > 80_000
    store.workers.remove(WORKER)
    assert store.redis.exists(keys.drain(WORKER)) == 0
