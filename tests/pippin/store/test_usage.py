"""The charges of tenants for their records, their limits, and a full Redis."""

from collections.abc import Iterator
from typing import NoReturn

import pytest

from pippin.api.jobs import Failure, Job
from pippin.api.metrics import BatchLosses
from pippin.api.states import Reason, Status
from pippin.local.valkey import EmbeddedValkey
from pippin.store import RecordTooLarge, Refused, Store, StoreFull, StoreLimits, TenantFull, connect, keys
from pippin.store.usage import StoredBytes
from tests.pippin.store.driver import FAILURE, TENANT, Driver, trained_model
from tests.support.records import epoch_metrics, resolved_request, stored_checkpoint, stored_manifest


def charged(store: Store, job: Job) -> int:
    return int(store.redis.hget(keys.job(TENANT, job.id).job, "held"))


def measured(store: Store) -> int:
    """The memory of the tenant's and of RQ's job keys, by MEMORY USAGE."""
    patterns = (f"pippin:{TENANT}:*", "rq:job:*")
    names = {key for pattern in patterns for key in store.redis.scan_iter(pattern, count=1000)}
    return sum(store.redis.memory_usage(key, samples=0) or 0 for key in names)


def limited(store: Store, **limits: int) -> tuple[Store, Driver]:
    store = Store(store.redis, limits=StoreLimits(**limits))
    return store, Driver(store)


def test_deleted_job_releases_its_whole_charge(store: Store, driver: Driver) -> None:
    spec = {"layers": ["é" * 500]}
    job = store.jobs.submit(TENANT, resolved_request(labels={"a": "b" * 200}), spec=spec)
    held = driver.run(job)
    for epoch in range(1, 7):  # of whose checkpoints three are kept
        batches = BatchLosses.of([0.25] * 50, 1000)
        for _ in range(2):  # an epoch sent twice is charged once
            store.attempts.epoch(held, epoch_metrics(epoch), batches, stored_checkpoint(epoch))
        store.attempts.log(held, "a line")
    store.attempts.discard_checkpoint(held, stored_checkpoint(6))
    store.attempts.artifact(held, trained_model(job.id, variant="initial"))
    store.attempts.hand_back(held)
    store.attempts.fail(driver.run(job, 2), Failure(code=Reason.DIVERGED, detail="x" * 500))
    assert store.usage.stored_bytes(TENANT) == StoredBytes(jobs=charged(store, job))
    assert store.usage.recount(TENANT) == 0
    retry = store.jobs.submit(TENANT, resolved_request(), spec=spec, retries=job, from_=stored_checkpoint(5))
    store.jobs.cancel(TENANT, retry.id)
    assert store.usage.stored_bytes(TENANT) == StoredBytes(jobs=charged(store, job) + charged(store, retry))
    for each in (job, retry):
        store.jobs.delete(TENANT, each.id)
    assert store.usage.stored_bytes(TENANT) == StoredBytes()


def test_deleted_datasets_release_their_whole_charge(store: Store) -> None:
    digits = stored_manifest(labels=[str(number) for number in range(100)])
    store.datasets.create(TENANT, digits, "content")
    store.datasets.create(TENANT, stored_manifest(), "content")  # is there already
    held = store.usage.stored_bytes(TENANT)
    assert held == StoredBytes(datasets=held.datasets)
    assert held.datasets > len(digits.model_dump_json())
    assert [store.datasets.delete(TENANT, digits.id) for _ in range(2)] == [True, False]
    assert store.usage.stored_bytes(TENANT) == StoredBytes()


def test_charges_are_close_to_redis_memory_usage(store: Store, driver: Driver) -> None:
    for number in range(20):
        job = driver.submit(labels={"run": str(number), "kind": "digits"})
        manifest = stored_manifest(f"digits-{number}", labels=["cat", "dog"])
        store.datasets.create(TENANT, manifest, f"content-{number}")
    held = driver.run(job)
    for begin, end in ((0, 0), (0, 10), (10, 150)):
        for epoch in range(begin, end):
            store.attempts.epoch(held, epoch_metrics(epoch + 1), BatchLosses.of([0.123456789] * 20, 1000))
        assert 1 < store.usage.stored_bytes(TENANT).total / measured(store) < 1.5, end


def test_full_tenant_cannot_add_records_until_it_deletes(store: Store) -> None:
    store, driver = limited(store, tenant_bytes=2**16)
    first, held = driver.start()
    jobs = [first]

    def submit_for_ever() -> NoReturn:
        while True:
            jobs.append(driver.submit())

    with pytest.raises(TenantFull, match=r"delete jobs that have ended \(DELETE /jobs/{id}\): [\d,]+ bytes are jobs"):
        submit_for_ever()
    job = jobs[-1]
    with pytest.raises(TenantFull):
        store.datasets.create(TENANT, stored_manifest(labels=["x" * 2**15]), "content")
    assert store.usage.stored_bytes(TENANT).total <= 2**16
    # Other tenants and running jobs continue.
    Driver(store, "other").submit()
    driver.train(held, *range(1, 101), succeed=True)
    store.jobs.pause(TENANT, job.id)
    with pytest.raises(TenantFull):
        store.jobs.resume(TENANT, job.id)
    store.jobs.delete(TENANT, first.id)
    store.jobs.resume(TENANT, job.id)
    driver.submit()


@pytest.fixture(scope="module")
def small_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedValkey]:
    """A separate server with little memory."""
    with EmbeddedValkey(tmp_path_factory.mktemp("small-valkey"), max_memory_bytes=64 * 2**20) as server:
        yield server


@pytest.fixture
def small(small_server: EmbeddedValkey) -> Iterator[Store]:
    """A store in that server."""
    store = Store(connect(small_server.url))
    store.redis.config_set("maxmemory", 0)
    store.redis.flushall()
    # Of this, the buffers of clients, which change a little, are a small part.
    store.redis.set("filler", "x" * 2**23)
    yield store
    store.close()


def fill(store: Store, share: float) -> None:
    """Let Redis be filled to this share of its memory."""
    store.redis.config_set("maxmemory", int(store.redis.info("memory")["used_memory"] / share))


def test_nearly_full_redis_refuses_the_largest_tenants_first(small: Store) -> None:
    tenants = [Driver(small, name) for name in ("small", "large", "new")]
    tenants[0].submit()
    small.jobs.submit("large", resolved_request(), spec={"layers": ["x" * 2**18]})
    fill(small, 0.85)
    with pytest.raises(StoreFull, match=r"Redis is nearly full, 8\d% of its maxmemory, and this tenant holds"):
        tenants[1].submit()
    tenants[0].submit()
    small.datasets.create("new", stored_manifest(), "content")
    fill(small, 0.97)
    for tenant in tenants:
        with pytest.raises(StoreFull):
            tenant.submit()


def test_full_redis_lets_jobs_finish_and_records_be_deleted(small: Store) -> None:
    driver = Driver(small)
    (first, held), (second, other), third, fourth = driver.start(), driver.start(), driver.submit(), driver.submit()
    digits = stored_manifest()
    small.datasets.create(TENANT, digits, "content")
    small.redis.config_set("maxmemory", 1)
    small.attempts.renew(held)
    for epoch in range(1, 4):
        small.attempts.epoch(held, epoch_metrics(epoch), BatchLosses.of([0.5] * 100, 1000))
        small.attempts.log(held, "a line")
    driver.train(held, succeed=True)
    small.attempts.fail(other, FAILURE)
    assert small.jobs.cancel(TENANT, third.id).status is Status.CANCELLED
    assert small.jobs.pause(TENANT, fourth.id).status is Status.PAUSED
    small.jobs.cancel(TENANT, fourth.id)
    assert small.datasets.delete(TENANT, digits.id)
    for job in (first, second, third, fourth):
        small.jobs.delete(TENANT, job.id)
    small.redis.config_set("maxmemory", 0)
    assert small.usage.stored_bytes(TENANT) == StoredBytes()


def test_recount_corrects_wrong_and_missing_charges(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    driver.train(held, 1)
    digits = stored_manifest()
    store.datasets.create(TENANT, digits, "content")
    right = store.usage.stored_bytes(TENANT)
    store.redis.hset(keys.counters(TENANT), mapping={"held:jobs": 7, "held:models": 8})
    assert store.usage.recount(TENANT) == right.jobs - 7 + 8
    assert store.usage.stored_bytes(TENANT) == right
    # As a version without charges leaves them.
    store.redis.delete(keys.counters(TENANT))
    for key in (keys.job(TENANT, job.id).job, keys.record(TENANT, "dataset", digits.id)):
        store.redis.hdel(key, "held")
    assert store.usage.recount(TENANT) > 0
    counted = store.usage.stored_bytes(TENANT)
    assert counted.jobs > right.jobs / 4
    assert counted.datasets > right.datasets / 4
    assert store.usage.recount(TENANT) == 0
    assert store.datasets.delete(TENANT, digits.id)
    store.jobs.cancel(TENANT, job.id)
    assert store.usage.recount(TENANT) == 0


def test_full_job_record_drops_losses_and_log_lines_but_no_epoch(store: Store) -> None:
    store, driver = limited(store, job_bytes=2**16)
    job, held = driver.start()
    for epoch in range(1, 101):
        store.attempts.epoch(held, epoch_metrics(epoch), BatchLosses.of([0.123456789] * 500, 1000))
        store.attempts.log(held, "x" * 500)
    assert [event.data["epoch"] for event in driver.events(job, "epoch")] == list(range(1, 101))
    assert 5 < len(driver.events(job, "batches")) < 20
    lines = driver.log_lines(job)
    assert len(lines) < 25
    assert "Mini-batch losses are no longer recorded from epoch" in "".join(lines)
    assert lines[-1] == "The job's record has reached its 65,536 bytes: further lines are dropped."
    # 100 epochs of 600 bytes are beyond the limit.
    assert charged(store, job) < 3 * 2**16


def test_repeated_pauses_cannot_grow_a_job_record_without_limit(store: Store) -> None:
    store, driver = limited(store, job_bytes=2**14)
    job = driver.submit()

    def pause_and_resume_for_ever() -> NoReturn:
        while True:
            store.jobs.pause(TENANT, job.id)
            store.jobs.resume(TENANT, job.id)

    with pytest.raises(Refused, match="its record has reached 16,384 bytes; cancel and retry it"):
        pause_and_resume_for_ever()
    assert charged(store, job) < 2**14 + 2000


def test_too_large_record_is_refused_completely(store: Store) -> None:
    store, _ = limited(store, record_bytes=2**14)
    with pytest.raises(RecordTooLarge, match=r"the dataset's record takes [\d,]+ bytes; at most 16,384"):
        store.datasets.create(TENANT, stored_manifest(labels=["é" * 2**13]), "content")
    with pytest.raises(RecordTooLarge, match="upload its model"):
        store.jobs.submit(TENANT, resolved_request(), spec={"layers": ["x" * 2**14]})
    assert store.redis.dbsize() == 0
