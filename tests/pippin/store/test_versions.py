"""Records of other versions and damaged records: the readable parts are read, and no other record is hidden."""

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.datasets import StoredManifest
from pippin.api.jobs import Artifact, Job
from pippin.api.metrics import EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Status
from pippin.api.tokens import issue
from pippin.store import Claim, NoSuchJob, Refused, Store, UnreadableRecord, WorkerReport, keys, new_token
from pippin.store.versions import FIELD, VERSION

TENANT = "default"
DIGEST = "sha256:" + "a" * 64
DAMAGES = ["newer major", "no version", "bad JSON", "wrong type", "missing field", "null"]


def damage(text: str, how: str) -> str:
    """A record's JSON, damaged."""
    document = json.loads(text)
    match how:
        case "newer major":
            document[FIELD] = "2.0"
        case "no version":
            document[FIELD] = "one"
        case "bad JSON":
            return text[: len(text) // 2]
        case "wrong type":
            document["created_at" if "created_at" in document else "started_at"] = ["yesterday"]
        case "missing field":
            del document["id" if "id" in document else "name"]
        case "null":
            return "null"
    return json.dumps(document)


def manifest(number: int) -> StoredManifest:
    return StoredManifest(
        id=f"ds_{number:026d}",
        name=f"digits-{number}",
        format="csv",
        digest="sha256:" + f"{number:x}" * 64,
        bytes=10,
        features=[],
        splits=[],
        labels=None,
        created_at=datetime(2026, 11, 24, tzinfo=UTC),
        ranges={},
    )


def test_every_record_has_its_version(store: Store, submit: Callable[..., Job], report: WorkerReport) -> None:
    job, dataset, token = submit(), manifest(1), issue("read", "ada")
    store.datasets.create(TENANT, dataset, "x")
    store.tokens.add(token)
    store.workers.heartbeat(report)
    store.blob_stats.record(1, 2)
    record = str(store.redis.hget(keys.record(TENANT, "dataset", dataset.id), "record"))
    texts = [record, str(store.redis.hget(keys.TOKENS, token.record.id)), str(store.redis.get(keys.BLOB_STATS))]
    texts.append(str(store.redis.get(keys.worker(report.name))))
    assert {json.loads(text)[FIELD] for text in texts} == {VERSION}
    assert store.redis.hget(keys.job(TENANT, job.id).job, FIELD) == VERSION


def test_additions_of_a_newer_minor_version_are_ignored(  # noqa: PLR0917 - fixtures
    store: Store,
    submit: Callable[..., Job],
    running: Callable[..., Claim],
    metrics: Callable[..., EpochMetrics],
    checkpoint: Callable[..., StoredCheckpoint],
    report: WorkerReport,
) -> None:
    job, dataset, token = submit(), manifest(1), issue("read", "ada")
    store.datasets.create(TENANT, dataset, "x")
    store.tokens.add(token)
    store.workers.heartbeat(report)
    held = running(job)
    store.attempts.epoch(held, metrics(1), checkpoint=checkpoint(1))
    before = store.jobs.get(TENANT, job.id)

    def extend(text: str) -> str:
        return json.dumps(json.loads(text) | {FIELD: "1.7", "added": {"by": "1.7"}})

    of = keys.job(TENANT, job.id)
    places: list[tuple[str, str]] = [
        (of.job, "request"),
        (of.job, "resume"),
        (of.job, "latest_metrics"),
        (of.checkpoints, "1"),
        (keys.record(TENANT, "dataset", dataset.id), "record"),
        (keys.TOKENS, token.record.id),
    ]
    for key, field in places:
        store.redis.hset(key, field, extend(str(store.redis.hget(key, field))))
    store.redis.hset(of.job, mapping={FIELD: "1.7", "added": "1"})
    store.redis.hset(of.attempts, "1:added", "1")
    store.redis.xadd(of.events, {"type": "added", "data": "{}"})
    store.redis.set(keys.worker(report.name), extend(str(store.redis.get(keys.worker(report.name)))))

    assert store.jobs.get(TENANT, job.id) == before
    assert store.jobs.checkpoints(TENANT, job.id) == [checkpoint(1)]
    assert store.datasets.get(TENANT, dataset.id) == dataset
    assert store.tokens.check(token.text).token == token.record
    assert [worker.name for worker in store.workers.all()] == [report.name]
    assert [event.type for event in store.events.all(TENANT, job.id)][-1] == "epoch"
    # The record's text differs from the text that this version writes.
    assert store.attempts.discard_checkpoint(held, checkpoint(1)) is None


@pytest.mark.parametrize("how", DAMAGES)
def test_unreadable_dataset_hides_no_other_and_can_be_deleted(store: Store, how: str) -> None:
    first, bad, last = (manifest(n) for n in (1, 2, 3))
    for each in (first, bad, last):
        store.datasets.create(TENANT, each, each.digest)
    key = keys.record(TENANT, "dataset", bad.id)
    store.redis.hset(key, "record", damage(str(store.redis.hget(key, "record")), how))

    page = store.datasets.page(TENANT)
    assert page.items == (last, first)
    assert [each.id for each in page.unreadable] == [bad.id]
    with pytest.raises(UnreadableRecord, match=f"^the record {bad.id} ") as raised:
        store.datasets.get(TENANT, bad.name or "")
    assert "delete" in str(raised.value)
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
    text = damage(str(store.redis.hget(keys.TOKENS, bad.record.id)), how)
    store.redis.hset(keys.TOKENS, bad.record.id, text)

    tokens, unreadable = store.tokens.listing()
    assert tokens == [good.record]
    assert [each.id for each in unreadable] == [bad.record.id]
    assert store.tokens.check(bad.text).token is None
    assert store.tokens.check_session(session).token is None
    assert store.tokens.check(good.text).token == good.record
    store.tokens.revoke(bad.record.id)
    assert store.tokens.listing() == ([good.record], [])


@pytest.mark.parametrize("how", DAMAGES)
def test_an_unreadable_worker_hides_no_other(store: Store, report: WorkerReport, how: str) -> None:
    bad = report.model_copy(update={"name": "mac-2"})
    for each in (report, bad):
        store.workers.heartbeat(each)
    store.redis.set(keys.worker("mac-2"), damage(str(store.redis.get(keys.worker("mac-2"))), how))
    workers, unreadable = store.workers.listing()
    assert [worker.name for worker in workers] == [report.name]
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
def test_an_unreadable_job_hides_no_other_and_can_be_deleted(
    store: Store, ask: Callable[..., ResolvedRequest], how: str
) -> None:
    first, bad, last = (store.jobs.submit(TENANT, ask(labels={"team": "a"}), spec={}) for _ in range(3))
    JOB_DAMAGES[how](store, keys.job(TENANT, bad.id))

    for page in (store.jobs.page(TENANT), store.jobs.page(TENANT, labels={"team": "a"})):
        assert [job.id for job in page.items] == [last.id, first.id]
        assert [each.id for each in page.unreadable] == [bad.id]
    with pytest.raises(UnreadableRecord, match=f"^the record {bad.id} "):
        store.jobs.get(TENANT, bad.id)
    store.overviews.read()
    store.reaping.requeue_orphans(0)
    store.reaping.requeue_orphans(0)
    assert store.retention.outdated(-3600) == []

    store.jobs.delete(TENANT, bad.id)
    assert store.redis.keys(f"*{bad.id}*") == []
    for labels in ({}, {"team": "a"}):
        assert store.jobs.page(TENANT, labels=labels).unreadable == ()
    assert store.jobs.page(TENANT, status=Status.QUEUED).unreadable == ()
    with pytest.raises(NoSuchJob):
        store.jobs.delete(TENANT, bad.id)


def test_unreadable_held_job_must_end_before_deletion(
    store: Store, submit: Callable[..., Job], running: Callable[..., Claim]
) -> None:
    job = submit()
    held = running(job)
    store.redis.hset(keys.job(TENANT, job.id).job, FIELD, "2.0")
    with pytest.raises(Refused, match="cancel it first"):
        store.jobs.delete(TENANT, job.id)
    with pytest.raises(UnreadableRecord):
        store.jobs.cancel(TENANT, job.id)
    store.attempts.cancelled(held)
    store.jobs.delete(TENANT, job.id)


def test_a_worker_does_not_claim_a_job_of_a_newer_major_version(store: Store, submit: Callable[..., Job]) -> None:
    job = submit()
    store.redis.hset(keys.job(TENANT, job.id).job, FIELD, "2.1")
    with pytest.raises(Refused, match=r"version 2\.1 and was written by a newer Pippin; this worker reads .* upgrade"):
        store.attempts.claim(Claim(TENANT, job.id, 1, new_token()), worker="w", engine="jax")
    store.redis.hset(keys.job(TENANT, job.id).job, FIELD, VERSION)
    assert store.jobs.get(TENANT, job.id) == job


@pytest.mark.parametrize("how", ["newer major", "no version", "wrong type", "missing field"])
def test_unreadable_record_keeps_its_blobs(
    store: Store,
    submit: Callable[..., Job],
    running: Callable[..., Claim],
    trained: Callable[[Job], Artifact],
    how: str,
) -> None:
    store.datasets.create(TENANT, manifest(2), "x")
    key = keys.record(TENANT, "dataset", manifest(2).id)
    store.redis.hset(key, "record", damage(str(store.redis.hget(key, "record")), how))
    job = submit()
    store.attempts.succeed(running(job), trained(job))
    live = submit()
    for each in (job, live):
        store.redis.hset(keys.job(TENANT, each.id).job, mapping={FIELD: "2.0", "status": "frozen"})
    store.redis.hset(keys.job(TENANT, job.id).artifacts, "added", json.dumps({"of": "2.0", "at": DIGEST}))
    assert set(store.references.digests()) == {
        manifest(2).digest,
        trained(job).digest,
        DIGEST,
        live.request.dataset.digest,
    }
    assert sorted(store.references.users_of(TENANT, "ds_1")) == sorted([job.id, live.id])[1:]


@pytest.mark.parametrize("kind", ["dataset", "model"])
@pytest.mark.parametrize("text", ["", "{", '{"digest": "gone"}'])
def test_record_without_a_readable_digest_stops_blob_deletion(store: Store, kind: str, text: str) -> None:
    store.redis.zadd(keys.listing(TENANT, kind), {"ds_x": 0})
    store.redis.hset(keys.record(TENANT, kind, "ds_x"), "record", text)
    with pytest.raises(UnreadableRecord, match=r"ds_x of default is damaged, .* delete this record"):
        list(store.references.digests())
    records = store.datasets if kind == "dataset" else store.models
    assert records.delete(TENANT, "ds_x")
    assert list(store.references.digests()) == []


@pytest.mark.parametrize("where", ["artifacts", "checkpoints", "resume", "request"])
def test_job_without_a_readable_digest_stops_blob_deletion(
    store: Store, submit: Callable[..., Job], where: str
) -> None:
    job = submit()
    of = keys.job(TENANT, job.id)
    torn = json.dumps({"variant": "trained", "digest": DIGEST})[:60]
    if where in {"artifacts", "checkpoints"}:
        store.redis.hset(getattr(of, where), "trained", torn)
    else:
        store.redis.hset(of.job, where, torn)
    with pytest.raises(UnreadableRecord, match=rf"{job.id} is damaged, .* delete this job once it has ended"):
        list(store.references.digests())
    with suppress(UnreadableRecord):
        store.jobs.cancel(TENANT, job.id)
    store.jobs.delete(TENANT, job.id)
    assert list(store.references.digests()) == []


def test_job_key_of_another_type_stops_blob_deletion(store: Store, submit: Callable[..., Job]) -> None:
    job = submit()
    store.redis.delete(keys.job(TENANT, job.id).job)
    store.redis.set(keys.job(TENANT, job.id).job, "x")
    with pytest.raises(UnreadableRecord, match=job.id):
        list(store.references.digests())
