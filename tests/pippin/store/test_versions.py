"""Records of other versions and damaged records: the readable parts are read, and no other record is hidden."""

import json
from collections.abc import Callable
from contextlib import suppress

import pytest

from pippin.api.datasets import StoredManifest
from pippin.api.states import Status
from pippin.api.tokens import issue
from pippin.store import NoSuchJob, Refused, Store, UnreadableRecord, keys
from pippin.store.versions import FIELD, VERSION
from tests.pippin.store.driver import TENANT, WORKER, Driver, trained_model
from tests.support.records import stored_checkpoint, stored_manifest

DIGEST = "sha256:" + "a" * 64
RECORD_DAMAGES: dict[str, Callable[[dict[str, object]], object]] = {
    "newer major": lambda record: record | {FIELD: "2.0"},
    "no version": lambda record: record | {FIELD: "one"},
    "wrong type": lambda record: record | {"created_at" if "created_at" in record else "started_at": ["yesterday"]},
    "missing field": lambda record: {
        name: value for name, value in record.items() if name != ("id" if "id" in record else "name")
    },
    "null": lambda _: None,
}
DAMAGES = [*RECORD_DAMAGES, "bad JSON"]


def damage(text: str, how: str) -> str:
    """A record's JSON, damaged."""
    return text[: len(text) // 2] if how == "bad JSON" else json.dumps(RECORD_DAMAGES[how](json.loads(text)))


def manifest(number: int) -> StoredManifest:
    return stored_manifest(f"digits-{number}", id=f"ds_{number:026d}", digest="sha256:" + f"{number:x}" * 64)


def damage_field(store: Store, key: str, field: str, how: str) -> None:
    store.redis.hset(key, field, damage(store.redis.hget(key, field), how))


def test_every_record_has_its_version(store: Store, driver: Driver) -> None:
    job, dataset, token = driver.submit(), manifest(1), issue("read", "ada")
    store.datasets.create(TENANT, dataset, "x")
    store.tokens.add(token)
    driver.heartbeat()
    store.blob_stats.record(1, 2)
    texts = [
        store.redis.hget(keys.record(TENANT, "dataset", dataset.id), "record"),
        store.redis.hget(keys.TOKENS, token.record.id),
        store.redis.get(keys.BLOB_STATS),
        store.redis.get(keys.worker(WORKER)),
    ]
    assert [json.loads(text)[FIELD] for text in texts] == [VERSION] * 4
    assert store.redis.hget(keys.job(TENANT, job.id).job, FIELD) == VERSION


def test_additions_of_a_newer_minor_version_are_ignored(store: Store, driver: Driver) -> None:
    dataset, token = manifest(1), issue("read", "ada")
    store.datasets.create(TENANT, dataset, "x")
    store.tokens.add(token)
    driver.heartbeat()
    job, held = driver.start()
    driver.train(held, 1, checkpoints=True)
    before = driver.read(job)

    def extend(text: str) -> str:
        return json.dumps(json.loads(text) | {FIELD: "1.7", "added": {"by": "1.7"}})

    of = keys.job(TENANT, job.id)
    for key, field in (
        *((of.job, field) for field in ("request", "resume", "latest_metrics")),
        (of.checkpoints, "1"),
        (keys.record(TENANT, "dataset", dataset.id), "record"),
        (keys.TOKENS, token.record.id),
    ):
        store.redis.hset(key, field, extend(store.redis.hget(key, field)))
    store.redis.hset(of.job, mapping={FIELD: "1.7", "added": "1"})
    store.redis.hset(of.attempts, "1:added", "1")
    store.redis.xadd(of.events, {"type": "added", "data": "{}"})
    store.redis.set(keys.worker(WORKER), extend(store.redis.get(keys.worker(WORKER))))

    assert driver.read(job) == before
    assert store.jobs.checkpoints(TENANT, job.id) == [stored_checkpoint(1)]
    assert store.datasets.get(TENANT, dataset.id) == dataset
    assert store.tokens.check(token.text).token == token.record
    assert [worker.name for worker in store.workers.all()] == [WORKER]
    assert driver.events(job)[-1].type == "epoch"
    # The record's text differs from the text that this version writes.
    assert store.attempts.discard_checkpoint(held, stored_checkpoint(1)) is None


@pytest.mark.parametrize("how", DAMAGES)
def test_unreadable_dataset_hides_no_other_and_can_be_deleted(store: Store, how: str) -> None:
    first, bad, last = (manifest(n) for n in (1, 2, 3))
    for each in (first, bad, last):
        store.datasets.create(TENANT, each, each.digest)
    damage_field(store, keys.record(TENANT, "dataset", bad.id), "record", how)

    page = store.datasets.page(TENANT)
    assert (page.items, [each.id for each in page.unreadable]) == ((last, first), [bad.id])
    with pytest.raises(UnreadableRecord, match=f"^the record {bad.id} .*delete") as raised:
        store.datasets.get(TENANT, bad.name)
    if how == "newer major":
        assert "has version 2.0 and was written by a newer Pippin" in str(raised.value)
        assert "upgrade this Pippin" in str(raised.value)
    assert store.datasets.delete(TENANT, bad.id)
    assert store.datasets.page(TENANT).unreadable == ()
    # Its name and its content are free again.
    assert store.datasets.create(TENANT, bad, bad.digest) == (bad, True)


@pytest.mark.parametrize("how", DAMAGES)
def test_unreadable_token_is_refused_and_hides_no_other(store: Store, how: str) -> None:
    good, bad = issue("read", "ada"), issue("admin", "eve")
    for each in (good, bad):
        store.tokens.add(each)
    session = store.tokens.open_session(bad.record)
    damage_field(store, keys.TOKENS, bad.record.id, how)

    tokens, unreadable = store.tokens.listing()
    assert (tokens, [each.id for each in unreadable]) == ([good.record], [bad.record.id])
    assert store.tokens.check(bad.text).token is store.tokens.check_session(session).token is None
    assert store.tokens.check(good.text).token == good.record
    store.tokens.revoke(bad.record.id)
    assert store.tokens.listing() == ([good.record], [])


@pytest.mark.parametrize("how", DAMAGES)
def test_unreadable_worker_hides_no_other(store: Store, driver: Driver, how: str) -> None:
    driver.heartbeat(WORKER, "mac-2")
    store.redis.set(keys.worker("mac-2"), damage(store.redis.get(keys.worker("mac-2")), how))
    workers, unreadable = store.workers.listing()
    assert [worker.name for worker in workers] == [WORKER]
    assert [each.id for each in unreadable] == ["worker mac-2"]
    assert store.overviews.read().workers == {("jax", "idle"): 1}


JOB_DAMAGES: dict[str, Callable[[Store, keys.JobKeys], object]] = {
    "newer major": lambda store, of: store.redis.hset(of.job, FIELD, "2.0"),
    "no version": lambda store, of: store.redis.hset(of.job, FIELD, "x"),
    "request is no JSON": lambda store, of: store.redis.hset(of.job, "request", "{"),
    "request is another document": lambda store, of: store.redis.hset(of.job, "request", '{"name": 5}'),
    "unknown status": lambda store, of: store.redis.hset(of.job, "status", "frozen"),
    "no status": lambda store, of: store.redis.hdel(of.job, "status"),
    "time is no number": lambda store, of: store.redis.hset(of.job, "created_at", "now"),
    "time of the far future": lambda store, of: store.redis.hset(of.job, "created_at", "9" * 30),
    "key of another type": lambda store, of: (store.redis.delete(of.job), store.redis.set(of.job, "x")),
    "attempts of another type": lambda store, of: store.redis.set(of.attempts, "x"),
    "attempt without a worker": lambda store, of: store.redis.hset(of.attempts, "1:status", "lost"),
    "attempt without a number": lambda store, of: store.redis.hset(of.attempts, "x", "lost"),
    "transition is none": lambda store, of: store.redis.rpush(of.transitions, "x"),
    "artifact is none": lambda store, of: store.redis.hset(of.artifacts, "trained", "[]"),
    "checkpoint is none": lambda store, of: store.redis.hset(of.job, "resume", "[]"),
}


@pytest.mark.parametrize("how", JOB_DAMAGES)
def test_unreadable_job_hides_no_other_and_can_be_deleted(store: Store, driver: Driver, how: str) -> None:
    first, bad, last = (driver.submit(labels={"team": "a"}) for _ in range(3))
    JOB_DAMAGES[how](store, keys.job(TENANT, bad.id))

    for page in (store.jobs.page(TENANT), store.jobs.page(TENANT, labels={"team": "a"})):
        assert [job.id for job in page.items] == [last.id, first.id]
        assert [each.id for each in page.unreadable] == [bad.id]
    with pytest.raises(UnreadableRecord, match=f"^the record {bad.id} "):
        store.jobs.get(TENANT, bad.id)
    store.overviews.read()
    for _ in range(2):
        store.reaping.requeue_orphans(0)
    assert store.retention.outdated(-3600) == []

    store.jobs.delete(TENANT, bad.id)
    assert store.redis.keys(f"*{bad.id}*") == []
    for filters in ({}, {"labels": {"team": "a"}}, {"status": Status.QUEUED}):
        assert store.jobs.page(TENANT, **filters).unreadable == ()
    with pytest.raises(NoSuchJob):
        store.jobs.delete(TENANT, bad.id)


def test_unreadable_held_job_must_end_before_deletion(store: Store, driver: Driver) -> None:
    job, held = driver.start()
    store.redis.hset(keys.job(TENANT, job.id).job, FIELD, "2.0")
    with pytest.raises(Refused, match="cancel it first"):
        store.jobs.delete(TENANT, job.id)
    with pytest.raises(UnreadableRecord):
        store.jobs.cancel(TENANT, job.id)
    store.attempts.cancelled(held)
    store.jobs.delete(TENANT, job.id)


def test_worker_does_not_claim_a_job_of_a_newer_major_version(store: Store, driver: Driver) -> None:
    job = driver.submit()
    store.redis.hset(keys.job(TENANT, job.id).job, FIELD, "2.1")
    with pytest.raises(Refused, match=r"version 2\.1 and was written by a newer Pippin; this worker reads .* upgrade"):
        driver.claim(job)
    store.redis.hset(keys.job(TENANT, job.id).job, FIELD, VERSION)
    assert driver.read(job) == job


@pytest.mark.parametrize("how", ["newer major", "no version", "wrong type", "missing field"])
def test_unreadable_record_keeps_its_blobs(store: Store, driver: Driver, how: str) -> None:
    store.datasets.create(TENANT, manifest(2), "x")
    damage_field(store, keys.record(TENANT, "dataset", manifest(2).id), "record", how)
    job, held = driver.start()
    driver.train(held, succeed=True)
    live = driver.submit()
    for each in (job, live):
        store.redis.hset(keys.job(TENANT, each.id).job, mapping={FIELD: "2.0", "status": "frozen"})
    store.redis.hset(keys.job(TENANT, job.id).artifacts, "added", json.dumps({"of": "2.0", "at": DIGEST}))
    named = {manifest(2).digest, trained_model(job.id).digest, DIGEST, live.request.dataset.digest}
    assert set(store.references.digests()) == named
    assert sorted(store.references.users_of(TENANT, "ds_1")) == sorted([job.id, live.id])[1:]


@pytest.mark.parametrize("kind", ["dataset", "model"])
@pytest.mark.parametrize("text", ["", "{", '{"digest": "gone"}'])
def test_record_without_a_readable_digest_stops_blob_deletion(store: Store, kind: str, text: str) -> None:
    store.redis.zadd(keys.listing(TENANT, kind), {"ds_x": 0})
    store.redis.hset(keys.record(TENANT, kind, "ds_x"), "record", text)
    with pytest.raises(UnreadableRecord, match=r"ds_x of default is damaged,.*: delete this record"):
        list(store.references.digests())
    assert (store.datasets if kind == "dataset" else store.models).delete(TENANT, "ds_x")
    assert list(store.references.digests()) == []


@pytest.mark.parametrize(
    ("key", "field"), [("artifacts", "trained"), ("checkpoints", "trained"), ("job", "resume"), ("job", "request")]
)
def test_job_without_a_readable_digest_stops_blob_deletion(store: Store, driver: Driver, key: str, field: str) -> None:
    job = driver.submit()
    torn = json.dumps({"variant": "trained", "digest": DIGEST})[:60]
    store.redis.hset(getattr(keys.job(TENANT, job.id), key), field, torn)
    with pytest.raises(UnreadableRecord, match=rf"{job.id} is damaged,.*: delete this job once it has ended"):
        list(store.references.digests())
    with suppress(UnreadableRecord):
        store.jobs.cancel(TENANT, job.id)
    store.jobs.delete(TENANT, job.id)
    assert list(store.references.digests()) == []


def test_job_key_of_another_type_stops_blob_deletion(store: Store, driver: Driver) -> None:
    job = driver.submit()
    JOB_DAMAGES["key of another type"](store, keys.job(TENANT, job.id))
    with pytest.raises(UnreadableRecord, match=job.id):
        list(store.references.digests())
