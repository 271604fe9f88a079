"""The charges of tenants for their records, their limits, and a full Redis."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn

import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.datasets import Feature, Split, StoredManifest
from pippin.api.jobs import Artifact, Failure, Job
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Reason, Status
from pippin.ids import new_id
from pippin.local.valkey import EmbeddedValkey
from pippin.store import (
    Claim,
    RecordTooLarge,
    Refused,
    Store,
    StoreFull,
    StoreLimits,
    TenantFull,
    connect,
    keys,
    new_token,
)
from pippin.store.usage import StoredBytes

TENANT = "default"
Ask = Callable[..., ResolvedRequest]
Metrics = Callable[..., EpochMetrics]
MakeCheckpoint = Callable[..., StoredCheckpoint]


def dataset(name: str | None = "digits", labels: list[str] | None = None) -> StoredManifest:
    return StoredManifest(
        id=new_id("ds"),
        name=name,
        format="csv",
        digest="sha256:" + "0" * 64,
        bytes=100,
        features=[Feature(name="x", shape=(4,), dtype="float32")],
        splits=[Split(name="train", examples=10)],
        labels=labels,
        created_at=datetime(2026, 11, 24, tzinfo=UTC),
        ranges={},
    )


def take(store: Store, job: Job, number: int = 1, tenant: str = TENANT) -> Claim:
    claim = Claim(tenant, job.id, number, new_token())
    store.attempts.claim(claim, worker="worker-1", engine="jax")
    store.attempts.running(claim)
    return claim


def charged(store: Store, job: Job) -> int:
    return int(str(store.redis.hget(keys.job(TENANT, job.id).job, "held")))


def measured(store: Store) -> int:
    """The memory of the tenant's and of RQ's job keys, by MEMORY USAGE."""
    patterns = (f"pippin:{TENANT}:*", "rq:job:*")
    found = {str(key) for pattern in patterns for key in store.redis.scan_iter(pattern, count=1000)}
    return sum(int(store.redis.memory_usage(key, samples=0) or 0) for key in found)


def limited(store: Store, **limits: int) -> Store:
    return Store(store.redis, limits=StoreLimits(**limits))


def test_deleted_job_releases_its_whole_charge(
    store: Store, ask: Ask, metrics: Metrics, checkpoint: MakeCheckpoint
) -> None:
    spec = {"layers": ["é" * 500]}
    job = store.jobs.submit(TENANT, ask(labels={"a": "b" * 200}), spec=spec)
    held = take(store, job)
    for epoch in range(1, 7):  # of whose checkpoints three are kept
        batches = BatchLosses.of([0.25] * 50, 1000)
        for _ in range(2):  # an epoch sent twice is charged once
            store.attempts.epoch(held, metrics(epoch), batches, checkpoint(epoch))
        store.attempts.log(held, "a line")
    store.attempts.discard_checkpoint(held, checkpoint(6))
    store.attempts.artifact(held, Artifact(variant="initial", digest="sha256:" + "1" * 64, bytes=1, url="/x"))
    store.attempts.hand_back(held)
    again = take(store, job, 2)
    store.attempts.fail(again, Failure(code=Reason.DIVERGED, detail="x" * 500))
    assert store.usage.stored_bytes(TENANT) == StoredBytes(jobs=charged(store, job))
    assert store.usage.recount(TENANT) == 0
    retry = store.jobs.submit(TENANT, ask(), spec=spec, retries=job, from_=checkpoint(5))
    store.jobs.cancel(TENANT, retry.id)
    assert store.usage.stored_bytes(TENANT) == StoredBytes(jobs=charged(store, job) + charged(store, retry))
    for each in (job, retry):
        store.jobs.delete(TENANT, each.id)
    assert store.usage.stored_bytes(TENANT) == StoredBytes()


def test_deleted_datasets_release_their_whole_charge(store: Store) -> None:
    digits = dataset(labels=[str(number) for number in range(100)])
    store.datasets.create(TENANT, digits, "content")
    store.datasets.create(TENANT, dataset(), "content")  # is there already
    held = store.usage.stored_bytes(TENANT)
    assert held.datasets > len(digits.model_dump_json())
    assert (held.jobs, held.models) == (0, 0)
    assert store.datasets.delete(TENANT, digits.id)
    assert not store.datasets.delete(TENANT, digits.id)
    assert store.usage.stored_bytes(TENANT) == StoredBytes()


@pytest.mark.parametrize("epochs", [0, 10, 1000])
def test_charges_are_close_to_redis_memory_usage(store: Store, ask: Ask, metrics: Metrics, epochs: int) -> None:
    for number in range(20):
        job = store.jobs.submit(TENANT, ask(labels={"run": str(number), "kind": "digits"}), spec={"layers": []})
        store.datasets.create(TENANT, dataset(f"digits-{number}", ["cat", "dog"]), f"content-{number}")
    held = take(store, job)
    for epoch in range(1, epochs + 1):
        store.attempts.epoch(held, metrics(epoch), BatchLosses.of([0.123456789] * 20, 1000))
    ratio = store.usage.stored_bytes(TENANT).total / measured(store)
    assert 1 < ratio < 1.5


def test_full_tenant_cannot_add_records_until_it_deletes(store: Store, ask: Ask, metrics: Metrics) -> None:
    store = limited(store, tenant_bytes=2**16)
    first = store.jobs.submit(TENANT, ask(), spec={})
    held = take(store, first)
    jobs = [first]

    def submit_for_ever() -> NoReturn:
        while True:
            jobs.append(store.jobs.submit(TENANT, ask(), spec={}))

    with pytest.raises(TenantFull, match=r"delete jobs that have ended \(DELETE /jobs/{id}\): [\d,]+ bytes are jobs"):
        submit_for_ever()
    job = jobs[-1]
    with pytest.raises(TenantFull):
        store.datasets.create(TENANT, dataset(labels=["x" * 2**15]), "content")
    assert store.usage.stored_bytes(TENANT).total <= 2**16
    # Other tenants and running jobs continue.
    store.jobs.submit("other", ask(), spec={})
    for epoch in range(1, 101):
        store.attempts.epoch(held, metrics(epoch))
    store.attempts.succeed(held, Artifact(variant="trained", digest="sha256:" + "1" * 64, bytes=1, url="/x"))
    store.jobs.pause(TENANT, job.id)
    with pytest.raises(TenantFull):
        store.jobs.resume(TENANT, job.id)
    store.jobs.delete(TENANT, first.id)
    store.jobs.resume(TENANT, job.id)
    store.jobs.submit(TENANT, ask(), spec={})


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Store]:
    """A store in a separate server with little memory."""
    with EmbeddedValkey(tmp_path, max_memory_bytes=64 * 2**20) as server:
        store = Store(connect(server.url))
        yield store
        store.close()


def fill(store: Store, share: float) -> None:
    """Let Redis be filled to this share of its memory."""
    store.redis.config_set("maxmemory", int(int(store.redis.info("memory")["used_memory"]) / share))


def test_nearly_full_redis_refuses_the_largest_tenants_first(small: Store, ask: Ask) -> None:
    small.jobs.submit("small", ask(), spec={})
    small.jobs.submit("large", ask(), spec={"layers": ["x" * 2**18]})
    fill(small, 0.85)
    with pytest.raises(StoreFull, match=r"Redis is nearly full, 8\d% of its maxmemory, and this tenant holds"):
        small.jobs.submit("large", ask(), spec={})
    small.jobs.submit("small", ask(), spec={})
    small.datasets.create("new", dataset(), "content")
    fill(small, 0.97)
    for tenant in ("small", "large", "new"):
        with pytest.raises(StoreFull):
            small.jobs.submit(tenant, ask(), spec={})


def test_full_redis_lets_jobs_finish_and_records_be_deleted(small: Store, ask: Ask, metrics: Metrics) -> None:
    first, second, third, fourth = (small.jobs.submit(TENANT, ask(), spec={}) for _ in range(4))
    held, other = take(small, first), take(small, second)
    small.datasets.create(TENANT, dataset(), "content")
    small.redis.config_set("maxmemory", 1)
    small.attempts.renew(held)
    for epoch in range(1, 4):
        small.attempts.epoch(held, metrics(epoch), BatchLosses.of([0.5] * 100, 1000))
        small.attempts.log(held, "a line")
    small.attempts.succeed(held, Artifact(variant="trained", digest="sha256:" + "1" * 64, bytes=1, url="/x"))
    small.attempts.fail(other, Failure(code=Reason.DIVERGED, detail="The loss was not finite."))
    assert small.jobs.cancel(TENANT, third.id).status is Status.CANCELLED
    assert small.jobs.pause(TENANT, fourth.id).status is Status.PAUSED
    small.jobs.cancel(TENANT, fourth.id)
    digits = small.datasets.get(TENANT, "digits")
    assert digits
    assert small.datasets.delete(TENANT, digits.id)
    for job in (first, second, third, fourth):
        small.jobs.delete(TENANT, job.id)
    small.redis.config_set("maxmemory", 0)
    assert small.usage.stored_bytes(TENANT) == StoredBytes()


def test_recount_corrects_wrong_and_missing_charges(store: Store, ask: Ask, metrics: Metrics) -> None:
    job = store.jobs.submit(TENANT, ask(), spec={})
    store.attempts.epoch(take(store, job), metrics(1))
    digits = dataset()
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
    found = store.usage.stored_bytes(TENANT)
    assert found.jobs > right.jobs / 4
    assert found.datasets > right.datasets / 4
    assert store.usage.recount(TENANT) == 0
    assert store.datasets.delete(TENANT, digits.id)
    store.jobs.cancel(TENANT, job.id)
    assert store.usage.recount(TENANT) == 0


def test_full_job_record_drops_losses_and_log_lines_but_no_epoch(store: Store, ask: Ask, metrics: Metrics) -> None:
    store = limited(store, job_bytes=2**16)
    job = store.jobs.submit(TENANT, ask(), spec={})
    held = take(store, job)
    for epoch in range(1, 101):
        store.attempts.epoch(held, metrics(epoch), BatchLosses.of([0.123456789] * 500, 1000))
        store.attempts.log(held, "x" * 500)
    events = list(store.events.all(TENANT, job.id))
    assert [event.data["epoch"] for event in events if event.type == "epoch"] == list(range(1, 101))
    assert 5 < sum(event.type == "batches" for event in events) < 20
    lines = [event.data["line"] for event in events if event.type == "log"]
    assert len(lines) < 25
    assert "Mini-batch losses are no longer recorded from epoch" in "".join(lines)
    assert lines[-1] == "The job's record has reached its 65,536 bytes: further lines are dropped."
    # 100 epochs of 600 bytes are beyond the limit.
    assert charged(store, job) < 3 * 2**16


def test_repeated_pauses_cannot_grow_a_job_record_without_limit(store: Store, ask: Ask) -> None:
    store = limited(store, job_bytes=2**16)
    job = store.jobs.submit(TENANT, ask(), spec={})

    def pause_and_resume_for_ever() -> NoReturn:
        while True:
            store.jobs.pause(TENANT, job.id)
            store.jobs.resume(TENANT, job.id)

    with pytest.raises(Refused, match="its record has reached 65,536 bytes; cancel and retry it"):
        pause_and_resume_for_ever()
    assert charged(store, job) < 2**16 + 2000


def test_too_large_record_is_refused_completely(store: Store, ask: Ask) -> None:
    store = limited(store, record_bytes=2**14)
    with pytest.raises(RecordTooLarge, match=r"the dataset's record takes [\d,]+ bytes; at most 16,384"):
        store.datasets.create(TENANT, dataset(labels=["é" * 2**13]), "content")
    with pytest.raises(RecordTooLarge, match="upload its model"):
        store.jobs.submit(TENANT, ask(), spec={"layers": ["x" * 2**14]})
    assert store.redis.dbsize() == 0
