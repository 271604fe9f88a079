"""Automatic deletion: what is deleted, and what is kept."""

import os
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs
from pippin.store import Store, keys
from service.background.sweeper import Sweeper
from tests.service.background.conftest import HASTY, HOUR, Storage, sweep
from tests.service.conftest import MakeService, MakeTrainer, Submit
from tests.support.records import stored_checkpoint
from tests.support.waiting import wait_for

DAY = 24 * HOUR


@pytest.fixture
def sweeper(storage: Storage) -> Sweeper:
    """A sweeper whose Redis owns the storage.blobs."""
    storage.adopt()
    return storage.sweeper()


def stored(digest: str) -> str:
    """A checkpoint as in a job's record."""
    return stored_checkpoint(digest=digest, bytes=1).model_dump_json()


def end_before(store: Store, job_id: str, seconds: float) -> str:
    """Change a job's records as if it had ended so many seconds ago; its new id."""
    older = f"job_0000000000{job_id[14:]}"
    for key in store.redis.keys(f"pippin:default:job:{job_id}*"):
        store.redis.rename(key, key.replace(job_id, older))
    for key in store.redis.keys("pippin:default:jobs*"):
        if store.redis.zrem(key, job_id):
            store.redis.zadd(key, {older: 0})
    store.redis.hset(keys.job("default", older).job, "finished_at", int((time.time() - seconds) * 1e6))
    return older


def test_unnamed_blob_is_deleted_at_the_second_sweep(sweeper: Sweeper, storage: Storage) -> None:
    (orphan,), fresh = storage.put_old(b"orphan"), storage.blobs.put_bytes(b"fresh")
    sweeper.sweep()
    assert storage.blobs.head(orphan) == 6
    sweeper.sweep()
    assert (storage.blobs.head(orphan), storage.blobs.head(fresh)) == (None, 5)


def test_every_put_restarts_the_grace(sweeper: Sweeper, storage: Storage) -> None:
    (digest,) = storage.put_old(b"again")
    sweeper.sweep()
    file = storage.settings.home / "again"
    file.write_bytes(b"again")
    assert storage.blobs.put_file(file)[0] == digest
    sweeper.sweep()
    assert storage.blobs.head(digest) == 5


def test_put_during_a_sweep_keeps_its_blob(sweeper: Sweeper, monkeypatch: pytest.MonkeyPatch, storage: Storage) -> None:
    (digest,) = storage.put_old(b"late")
    sweeper.sweep()
    named = storage.store.references.digests

    def put_meanwhile() -> list[str]:
        digests = list(named())
        storage.blobs.put_bytes(b"late")
        return digests

    monkeypatch.setattr(storage.store.references, "digests", put_meanwhile)
    sweeper.sweep()
    assert storage.blobs.head(digest) == 4


def test_blobs_named_by_records_are_kept(
    sweeper: Sweeper, submitted: Callable[..., str], trainer: MakeTrainer, storage: Storage
) -> None:
    arrays, initial, checkpoint, resume = storage.put_old(b"arrays", b"initial", b"checkpoint", b"resume")
    attempt = trainer(submitted(digest=arrays))
    attempt.begin()
    attempt.artifact("initial", initial, 7)
    of = keys.job("default", attempt.job_id)
    storage.store.redis.hset(of.checkpoints, "1", stored(checkpoint))
    storage.store.redis.hset(of.job, "resume", stored(resume))
    sweep(sweeper)
    assert None not in map(storage.blobs.head, (arrays, initial, checkpoint, resume))
    (trained,) = storage.put_old(b"trained")
    attempt.succeed(trained, 7)
    sweep(sweeper)
    # No dataset record names the arrays, and the job has ended.
    assert storage.blobs.head(arrays) is None
    assert None not in map(storage.blobs.head, (trained, initial, checkpoint, resume))
    storage.store.jobs.delete("default", attempt.job_id)
    sweep(sweeper)
    assert storage.digests == set()


def test_blobs_named_by_any_tenant_are_kept(sweeper: Sweeper, storage: Storage) -> None:
    mine, theirs = storage.put_old(b"mine", b"theirs")
    storage.name_models(mine)
    storage.name_models(theirs, tenant="other")
    sweep(sweeper)
    assert {mine, theirs} == storage.digests
    assert storage.store.references.tenants() == ["default", "other"]


def test_deleted_datasets_and_models_free_their_blobs(
    http: httpx2.Client, tiny: dict[str, Any], mnist_spec: dict[str, Any], service_storage: Storage
) -> None:
    model = http.post("/models", json=mnist_spec).json()
    service_storage.adopt()
    hasty = service_storage.sweeper(sweep_grace_seconds=0)
    sweep(hasty)
    assert http.get(f"/models/{model['id']}/file").status_code == 200
    assert http.get(f"/datasets/{tiny['id']}/preview").status_code == 200
    http.delete(f"/models/{model['id']}")
    http.delete(f"/datasets/{tiny['id']}")
    sweep(hasty)
    assert {service_storage.blobs.head(model["digest"]), service_storage.blobs.head(tiny["digest"])} == {None}


def test_trained_model_is_kept_as_long_as_its_job(
    http: httpx2.Client, digits: bytes, trainer: MakeTrainer, submitted: Callable[..., str], service_storage: Storage
) -> None:
    attempt = trainer(submitted())
    attempt.begin()
    attempt.succeed(service_storage.blobs.put_bytes(digits), len(digits))
    service_storage.adopt()
    hasty = service_storage.sweeper(sweep_grace_seconds=0)
    sweep(hasty)
    assert http.get(f"/jobs/{attempt.job_id}/model").content == digits
    assert http.delete(f"/jobs/{attempt.job_id}").status_code == 204
    sweep(hasty)
    assert list(service_storage.blobs.names()) == []


def test_jobs_past_retention_are_deleted_with_all_their_keys(
    sweeper: Sweeper, submitted: Callable[..., str], trainer: MakeTrainer, storage: Storage
) -> None:
    waiting, recent, outdated = (submitted() for _ in range(3))
    for job_id in (recent, outdated):
        trainer(job_id).train()
    outdated = end_before(storage.store, outdated, 31 * DAY)
    recent = end_before(storage.store, recent, 29 * DAY)
    sweeper.sweep()
    assert [job.id for job in storage.store.jobs.page("default").items] == [waiting, recent]
    assert storage.store.redis.keys(f"*{outdated}*") == []


def test_a_paused_job_is_kept(sweeper: Sweeper, submitted: Callable[..., str], storage: Storage) -> None:
    job_id = submitted()
    storage.store.jobs.pause("default", job_id)
    paused = end_before(storage.store, job_id, 365 * DAY)
    sweeper.sweep()
    job = storage.store.jobs.get("default", paused)
    assert job is not None
    assert job.status == "paused"


@pytest.mark.parametrize(("days", "left"), [(0, 1), (10_000, 1), (0.5, 0)])
def test_retention_days_are_configurable(
    submitted: Callable[..., str], trainer: MakeTrainer, days: float, left: int, storage: Storage
) -> None:
    job_id = submitted()
    trainer(job_id).train()
    end_before(storage.store, job_id, 1 * DAY)
    storage.sweeper(retention_days=days).sweep()
    assert len(storage.store.jobs.page("default").items) == left


def test_old_partial_files_are_deleted(sweeper: Sweeper, storage: Storage) -> None:
    digest = storage.blobs.put_bytes(b"whole")
    name = storage.path(digest)
    staged, growing = name.with_name(f"{name.name}#1"), name.with_name(f"{name.name}#2")
    download = storage.settings.blob_cache / ".fetch-abandoned"
    room = storage.settings.home / "uploads" / "abandoned"
    for folder in (download, room):
        folder.mkdir(parents=True)
    for path in (staged, growing, download / "part", room / "0"):
        path.write_bytes(b"torn")
    for path, seconds in ((staged, 2 * HOUR), (download, 2 * DAY), (room, 2 * DAY)):
        os.utime(path, (time.time() - seconds,) * 2)
    sweeper.sweep()
    assert [path.exists() for path in (name, growing, staged, download, room)] == [True, True, False, False, False]


def test_interrupted_deletion_is_undone_and_repeated(sweeper: Sweeper, storage: Storage) -> None:
    (digest,) = storage.put_old(b"aside")
    aside = storage.settings.home / "blobs" / "swept" / digest.removeprefix("sha256:")
    aside.parent.mkdir()
    storage.path(digest).rename(aside)
    sweeper.sweep()
    assert storage.blobs.head(digest) == 5
    sweeper.sweep()
    assert storage.blobs.head(digest) is None
    assert not aside.exists()


def test_cache_shrinks_to_its_limit(storage: Storage) -> None:
    entries = [storage.settings.blob_cache / f"{number:064x}" for number in range(3)]
    storage.settings.blob_cache.mkdir(parents=True)
    for number, entry in enumerate(entries):
        entry.write_bytes(b"x" * 100)
        os.utime(entry, (1000 + number,) * 2)
    storage.sweeper(acts=False, cache_bytes=250).sweep()
    assert [entry.exists() for entry in entries] == [False, True, True]


def test_service_that_does_not_act_deletes_nothing(storage: Storage) -> None:
    (digest,) = storage.put_old(b"orphan")
    sweep(storage.sweeper(acts=False), 3)
    assert storage.blobs.head(digest) == 6


def test_running_service_deletes_unnamed_blobs(make_service: MakeService) -> None:
    service = make_service(**HASTY)
    blobs = Blobs(service.settings.blobs_url)
    digest = blobs.put_bytes(b"orphan")
    wait_for(lambda: blobs.head(digest) is None, "the blob is swept")


def test_retry_during_a_sweep_keeps_the_model_spec(
    http: httpx2.Client,
    submit: Submit,
    mnist_spec: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    service_storage: Storage,
) -> None:
    service_storage.adopt()
    sweeper = service_storage.sweeper()
    mnist_spec["layers"][-2]["bias"] = [0.125] * 10
    job = submit(model={"spec": mnist_spec})
    spec = job["request"]["model"]["spec_digest"]
    http.post(f"/jobs/{job['id']}/cancel")
    service_storage.age(spec)
    sweeper.sweep()
    named = service_storage.store.references.digests

    def retry_meanwhile() -> list[str]:
        digests = list(named())
        assert http.post(f"/jobs/{job['id']}/retry").status_code == 202
        return digests

    monkeypatch.setattr(service_storage.store.references, "digests", retry_meanwhile)
    sweeper.sweep()
    assert service_storage.blobs.head(spec) is not None
