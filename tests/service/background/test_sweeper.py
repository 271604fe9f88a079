"""Automatic deletion: what is deleted, and what is kept."""

import json
import os
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs
from pippin.blobs.cache import BlobCache
from pippin.settings import Settings
from pippin.store import Store, keys
from pippin.store.blob_ownership import BlobOwnership
from service.background.sweeper import Sweeper
from tests.support.records import stored_checkpoint
from tests.support.waiting import wait_for

HOUR, DAY = 3600, 24 * 3600


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


@pytest.fixture
def kept(settings: Settings) -> Blobs:
    """The blob store of the settings."""
    return Blobs(settings.blobs_url)


def owning_sweeper(store: Store, blobs: Blobs, settings: Settings, **changes: object) -> Sweeper:
    """A sweeper whose Redis owns the blobs."""
    BlobOwnership(store, blobs).adopt()
    cache = BlobCache(settings.blob_cache, settings.cache_bytes, blobs)
    return Sweeper(store, blobs, cache, settings.model_copy(update=changes), acts=lambda: True)


@pytest.fixture
def sweeper(store: Store, settings: Settings, kept: Blobs) -> Sweeper:
    return owning_sweeper(store, kept, settings)


@pytest.fixture
def old(settings: Settings, kept: Blobs) -> Callable[[bytes], str]:
    """Stores blobs whose modification time is more than an hour ago."""

    def put(content: bytes) -> str:
        digest = kept.put_bytes(content)
        age(settings, digest, 2 * HOUR)
        return digest

    return put


def path_of(settings: Settings, digest: str) -> Path:
    name = digest.removeprefix("sha256:")
    return settings.home / "blobs" / name[:2] / name


def age(settings: Settings, digest: str, seconds: float) -> None:
    then = time.time() - seconds
    os.utime(path_of(settings, digest), (then, then))


def stored(digest: str) -> str:
    """A checkpoint as in a job's record."""
    now = datetime.now(UTC)
    return stored_checkpoint(digest=digest, bytes=1, created_at=now).model_dump_json()


def end_before(store: Store, tenant: str, job_id: str, seconds: float) -> str:
    """Change a job's records as if it had ended so many seconds ago; its new id."""
    older = f"job_0000000000{job_id[14:]}"
    for key in store.redis.keys(f"pippin:{tenant}:job:{job_id}*"):
        store.redis.rename(key, key.replace(job_id, older))
    for key in store.redis.keys(f"pippin:{tenant}:jobs*"):
        if store.redis.zrem(key, job_id):
            store.redis.zadd(key, {older: 0})
    store.redis.hset(keys.job(tenant, older).job, "finished_at", int((time.time() - seconds) * 1e6))
    return older


def test_unnamed_blob_is_deleted_at_the_second_sweep(sweeper: Sweeper, kept: Blobs, old: Callable[..., str]) -> None:
    orphan, fresh = old(b"orphan"), kept.put_bytes(b"fresh")
    sweeper.sweep()
    assert kept.head(orphan) == 6
    sweeper.sweep()
    assert (kept.head(orphan), kept.head(fresh)) == (None, 5)


def test_every_put_restarts_the_grace(
    sweeper: Sweeper, kept: Blobs, old: Callable[..., str], settings: Settings
) -> None:
    digest = old(b"again")
    sweeper.sweep()
    file = settings.home / "again"
    file.write_bytes(b"again")
    assert kept.put_file(file)[0] == digest
    sweeper.sweep()
    assert kept.head(digest) == 5


def test_put_during_a_sweep_keeps_its_blob(
    sweeper: Sweeper, kept: Blobs, old: Callable[..., str], store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    digest = old(b"late")
    sweeper.sweep()
    named = store.references.digests

    def put_meanwhile() -> list[str]:
        digests = list(named())
        kept.put_bytes(b"late")
        return digests

    monkeypatch.setattr(store.references, "digests", put_meanwhile)
    sweeper.sweep()
    assert kept.head(digest) == 4


def test_blobs_named_by_records_are_kept(
    *,
    sweeper: Sweeper,
    kept: Blobs,
    old: Callable[..., str],
    store: Store,
    submitted: Callable[..., str],
    trainer: Callable[[str], Any],
) -> None:
    arrays, initial, checkpoint, resume = map(old, (b"arrays", b"initial", b"checkpoint", b"resume"))
    attempt = trainer(submitted(digest=arrays))
    attempt.begin()
    attempt.artifact("initial", initial, 7)
    of = keys.job("default", attempt.job_id)
    store.redis.hset(of.checkpoints, "1", stored(checkpoint))
    store.redis.hset(of.job, "resume", stored(resume))
    for _ in range(2):
        sweeper.sweep()
    assert None not in map(kept.head, (arrays, initial, checkpoint, resume))
    trained = old(b"trained")
    attempt.succeed(trained, 7)
    for _ in range(2):
        sweeper.sweep()
    # No dataset record names the arrays, and the job has ended.
    assert kept.head(arrays) is None
    assert None not in map(kept.head, (trained, initial, checkpoint, resume))
    store.jobs.delete("default", attempt.job_id)
    for _ in range(2):
        sweeper.sweep()
    assert list(kept.names()) == []


def test_blobs_named_by_any_tenant_are_kept(
    sweeper: Sweeper, kept: Blobs, old: Callable[..., str], store: Store
) -> None:
    mine, theirs = old(b"mine"), old(b"theirs")
    for tenant, digest in (("default", mine), ("other", theirs)):
        store.redis.zadd(keys.listing(tenant, "model"), {"model_1": 0})
        store.redis.hset(keys.record(tenant, "model", "model_1"), "record", json.dumps({"digest": digest}))
    for _ in range(2):
        sweeper.sweep()
    assert {mine, theirs} == set(kept.names())
    assert store.references.tenants() == ["default", "other"]


def test_deleted_datasets_and_models_free_their_blobs(
    *,
    http: httpx2.Client,
    tiny: dict[str, Any],
    store: Store,
    settings: Settings,
    mnist_spec: dict[str, Any],
    blobs: Blobs,
) -> None:
    model = http.post("/models", json=mnist_spec).json()
    hasty = owning_sweeper(store, blobs, settings, sweep_grace_seconds=0)
    for _ in range(2):
        hasty.sweep()
    assert http.get(f"/models/{model['id']}/file").status_code == 200
    assert http.get(f"/datasets/{tiny['id']}/preview").status_code == 200
    http.delete(f"/models/{model['id']}")
    http.delete(f"/datasets/{tiny['id']}")
    for _ in range(2):
        hasty.sweep()
    assert {blobs.head(model["digest"]), blobs.head(tiny["digest"])} == {None}


def test_trained_model_is_kept_as_long_as_its_job(
    *,
    http: httpx2.Client,
    trained: Callable[[bytes], str],
    digits: bytes,
    store: Store,
    settings: Settings,
    blobs: Blobs,
) -> None:
    job_id = trained(digits)
    hasty = owning_sweeper(store, blobs, settings, sweep_grace_seconds=0)
    for _ in range(2):
        hasty.sweep()
    assert http.get(f"/jobs/{job_id}/model").content == digits
    assert http.delete(f"/jobs/{job_id}").status_code == 204
    for _ in range(2):
        hasty.sweep()
    assert list(blobs.names()) == []


def test_jobs_past_retention_are_deleted_with_all_their_keys(
    sweeper: Sweeper, store: Store, submitted: Callable[..., str], trainer: Callable[[str], Any]
) -> None:
    waiting, recent, outdated = (submitted() for _ in range(3))
    for job_id in (recent, outdated):
        trainer(job_id).train()
    outdated = end_before(store, "default", outdated, 31 * DAY)
    recent = end_before(store, "default", recent, 29 * DAY)
    sweeper.sweep()
    assert [job.id for job in store.jobs.page("default").items] == [waiting, recent]
    assert store.redis.keys(f"*{outdated}*") == []


def test_a_paused_job_is_kept(sweeper: Sweeper, store: Store, submitted: Callable[..., str]) -> None:
    job_id = submitted()
    store.jobs.pause("default", job_id)
    paused = end_before(store, "default", job_id, 365 * DAY)
    sweeper.sweep()
    job = store.jobs.get("default", paused)
    assert job is not None
    assert job.status == "paused"


@pytest.mark.parametrize(("days", "left"), [(0, 1), (10_000, 1), (0.5, 0)])
def test_retention_days_are_configurable(
    *,
    store: Store,
    settings: Settings,
    submitted: Callable[..., str],
    trainer: Callable[[str], Any],
    kept: Blobs,
    days: float,
    left: int,
) -> None:
    job_id = submitted()
    trainer(job_id).train()
    end_before(store, "default", job_id, 1 * DAY)
    owning_sweeper(store, kept, settings, retention_days=days).sweep()
    assert len(store.jobs.page("default").items) == left


def test_old_partial_files_are_deleted(sweeper: Sweeper, settings: Settings, kept: Blobs) -> None:
    digest = kept.put_bytes(b"whole")
    name = path_of(settings, digest)
    staged, growing = name.with_name(f"{name.name}#1"), name.with_name(f"{name.name}#2")
    download = settings.blob_cache / ".fetch-abandoned"
    room = settings.home / "uploads" / "abandoned"
    for folder in (download, room):
        folder.mkdir(parents=True)
    for path in (staged, growing, download / "part", room / "0"):
        path.write_bytes(b"torn")
    for path, seconds in ((staged, 2 * HOUR), (download, 2 * DAY), (room, 2 * DAY)):
        os.utime(path, (time.time() - seconds,) * 2)
    sweeper.sweep()
    assert [path.exists() for path in (name, growing, staged, download, room)] == [True, True, False, False, False]


def test_interrupted_deletion_is_undone_and_repeated(
    sweeper: Sweeper, settings: Settings, old: Callable[..., str], kept: Blobs
) -> None:
    digest = old(b"aside")
    aside = settings.home / "blobs" / "swept" / digest.removeprefix("sha256:")
    aside.parent.mkdir()
    path_of(settings, digest).rename(aside)
    sweeper.sweep()
    assert kept.head(digest) == 5
    sweeper.sweep()
    assert kept.head(digest) is None
    assert not aside.exists()


def test_cache_shrinks_to_its_limit(store: Store, settings: Settings, kept: Blobs) -> None:
    entries = [settings.blob_cache / f"{number:064x}" for number in range(3)]
    settings.blob_cache.mkdir(parents=True)
    for number, entry in enumerate(entries):
        entry.write_bytes(b"x" * 100)
        os.utime(entry, (1000 + number,) * 2)
    Sweeper(store, kept, BlobCache(settings.blob_cache, 250, kept), settings, acts=lambda: False).sweep()
    assert [entry.exists() for entry in entries] == [False, True, True]


def test_service_that_does_not_act_deletes_nothing(
    store: Store, settings: Settings, kept: Blobs, old: Callable[..., str]
) -> None:
    digest = old(b"orphan")
    cache = BlobCache(settings.blob_cache, settings.cache_bytes, kept)
    idle = Sweeper(store, kept, cache, settings, acts=lambda: False)
    for _ in range(3):
        idle.sweep()
    assert kept.head(digest) == 6


def test_running_service_deletes_unnamed_blobs(make_service: Callable[..., Any]) -> None:
    service = make_service(
        reaper_interval_seconds=0.1, reaper_grace_seconds=0, sweep_interval_seconds=0.1, sweep_grace_seconds=0
    )
    blobs = Blobs(service.settings.blobs_url)
    digest = blobs.put_bytes(b"orphan")
    wait_for(lambda: blobs.head(digest) is None, "the blob is swept")


def test_retry_during_a_sweep_keeps_the_model_spec(
    *,
    http: httpx2.Client,
    service: Any,  # noqa: ANN401 - a fixture
    submit: Callable[..., dict[str, Any]],
    mnist_spec: dict[str, Any],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = service.settings
    blobs = Blobs(settings.blobs_url)
    sweeper = owning_sweeper(store, blobs, settings)
    mnist_spec["layers"][-2]["bias"] = [0.125] * 10
    job = submit(model={"spec": mnist_spec})
    spec = job["request"]["model"]["spec_digest"]
    http.post(f"/jobs/{job['id']}/cancel")
    age(settings, spec, 2 * HOUR)
    sweeper.sweep()
    named = store.references.digests

    def retry_meanwhile() -> list[str]:
        digests = list(named())
        assert http.post(f"/jobs/{job['id']}/retry").status_code == 202
        return digests

    monkeypatch.setattr(store.references, "digests", retry_meanwhile)
    sweeper.sweep()
    assert blobs.head(spec) is not None
