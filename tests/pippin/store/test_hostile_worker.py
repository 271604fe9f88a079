"""The damage that a client with a worker's credentials can do, and the services that continue all the same.

Such a client is allowed to claim and fail every job, as a worker is. These tests try everything else.
"""

from contextlib import suppress

import pytest

from pippin.api.states import Status
from pippin.store import Client, Store, StoreUnavailable, UnreadableRecord, keys
from service.background.reaper import Reaper
from tests.pippin.store.driver import TENANT, WORKER, Driver


def train_for_another_tenant(store: Store) -> None:
    """Train a job of another tenant to its end with a separate worker."""
    others = Driver(store, "team-b")
    job, held = others.start()
    store.attempts.renew(held)
    others.train(held, succeed=True)
    assert others.status(job) is Status.SUCCEEDED


@pytest.mark.parametrize("seconds_before", [1e9, 2])
def test_lost_job_is_found_among_forged_leases(
    *,
    store: Store,
    driver: Driver,
    remote: Client,
    reaper: Reaper,
    monkeypatch: pytest.MonkeyPatch,
    seconds_before: float,
) -> None:
    monkeypatch.setattr("pippin.store.leases.MAX_MEMBERS", 1_000)
    job, _ = driver.start()
    driver.expire(job, store.now() * 1e6 - 1)
    odd = ["", "/", "default", "a/b/c", "x" * 1000, f"default/{job.id}x"]
    members = [*(f"default/{n}" for n in range(3_000)), *odd]
    remote.zadd(keys.LEASES, dict.fromkeys(members, (store.now() - seconds_before) * 1e6))
    before = commands(store)
    looks = 0
    while driver.status(job) is not Status.QUEUED:
        reaper.run_once()
        looks += 1
        assert looks <= 5
    # Members that cannot be jobs do not cost a command each.
    assert commands(store) - before < 1_000
    while store.redis.zcard(keys.LEASES):
        reaper.run_once()
    assert store.members.removed == len(members)


def test_leases_of_absent_jobs_are_removed(store: Store, driver: Driver, remote: Client, reaper: Reaper) -> None:
    ended, (job, _) = driver.submit(), driver.start()
    store.jobs.cancel(TENANT, ended.id)
    driver.expire(job, store.now() * 1e6 - 1)
    absent = [f"team-c/job_{n:026d}" for n in range(500)]
    remote.zadd(keys.LEASES, dict.fromkeys([*absent, keys.member(TENANT, ended.id)], 1))
    reaper.run_once()
    assert (driver.status(job), driver.status(ended)) == (Status.QUEUED, Status.CANCELLED)
    assert store.redis.zcard(keys.LEASES) == 0


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("job", "attempt", "many"),
        ("job", "losses", "NaN"),
        ("job", "spent", ""),
        ("job", "max_attempts", "[]"),
        ("job", "queue", "elsewhere"),
        ("job", "status", "poisoned"),
        ("attempts", "1:elapsed", "-"),
        ("attempts", "1:seen", "x"),
    ],
)
def test_damaged_record_of_a_lost_job_does_not_block_others(
    *, store: Store, driver: Driver, remote: Client, reaper: Reaper, key: str, field: str, value: str
) -> None:
    (damaged, _), (job, _) = driver.start(), driver.start()
    remote.hset(getattr(keys.job(TENANT, damaged.id), key), field, value)
    driver.expire(job, store.now() * 1e6 - 1)
    driver.expire(damaged)
    reaper.run_once()
    assert driver.status(job) is Status.QUEUED
    assert driver.lease_end(damaged) is None
    with suppress(UnreadableRecord):
        assert driver.status(damaged) in {Status.FAILED, Status.QUEUED}
    train_for_another_tenant(store)
    page = store.jobs.page(TENANT)
    assert {each.id for each in page.items} | {each.id for each in page.unreadable} == {damaged.id, job.id}


def test_forged_lease_end_is_limited_to_one_lease(store: Store, driver: Driver, remote: Client, reaper: Reaper) -> None:
    job, _ = driver.start()
    remote.zadd(keys.LEASES, {keys.member(TENANT, job.id): 1e18, "default/nothing": 1e18})
    reaper.run_once()
    lease_end = driver.lease_end(job)
    assert lease_end is not None
    assert lease_end <= store.now() * 1e6 + 21e6
    assert store.redis.zcard(keys.LEASES) == 1


def test_forged_index_entries_hide_no_job(store: Store, driver: Driver, remote: Client, reaper: Reaper) -> None:
    jobs = [driver.submit() for _ in range(3)]
    strays = [f"default/{n}" for n in range(2000)]
    remote.zadd(keys.QUEUED, dict.fromkeys(strays, 0))
    remote.zadd(keys.jobs_by_status(TENANT, "queued"), dict.fromkeys([*strays, "zzz", "job_x"], 0))
    reaper.run_once()
    assert store.redis.zcard(keys.QUEUED) == len(jobs)
    page = store.jobs.page(TENANT, status=Status.QUEUED, limit=2)
    assert [each.id for each in page.items] == [jobs[2].id, jobs[1].id]


def test_malformed_events_are_skipped(store: Store, driver: Driver, remote: Client) -> None:
    job = driver.submit()
    stream = keys.job(TENANT, job.id).events
    for fields in ({"x": "y"}, {"type": "state", "data": "{"}, {"type": "state", "data": '{"to":"x"}'}, {"data": "{}"}):
        remote.xadd(stream, fields)
    store.jobs.cancel(TENANT, job.id)
    assert [event.data["to"] for event in driver.events(job)] == ["queued", "cancelled"]


def test_forged_heartbeats_hide_no_worker(store: Store, driver: Driver, remote: Client) -> None:
    now = store.now() * 1e6
    remote.zadd(keys.WORKERS, {f"ghost-{n}": now - 1e6 for n in range(5000)} | {"future": 1e18, "broken": now})
    remote.set(keys.worker("broken"), '{"name": 1}')
    driver.heartbeat()
    workers, unreadable = store.workers.listing()
    assert [worker.name for worker in workers] == [WORKER]
    assert [each.id for each in unreadable] == ["worker broken"]


@pytest.mark.parametrize(
    ("counter", "value"), [("lost:worker_lost", "many"), ("epochs:jax:3", "1e9"), ("epochs_seconds:jax", "nan")]
)
def test_malformed_counters_count_as_0(store: Store, driver: Driver, counter: str, value: str) -> None:
    driver.submit()
    store.redis.hset(keys.counters(TENANT), counter, value)
    overview = store.overviews.read()
    assert overview.losses.get("worker_lost", 0) == 0
    assert overview.epochs == {}


def commands(store: Store) -> int:
    return int(store.redis.info("stats")["total_commands_processed"])  # type: ignore[index]


def test_reaper_loads_missing_scripts_for_workers(store: Store, driver: Driver, remote: Client, reaper: Reaper) -> None:
    job = driver.submit()
    store.redis.script_flush()  # as after a restart of Redis
    worker = Driver(Store(remote))
    with pytest.raises(StoreUnavailable, match="start the service"):
        worker.claim(job)
    reaper.run_once()
    worker.claim(job)
