"""Automatic deletion: what is deleted, and what is kept."""

import os
import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs
from pippin.settings import Settings
from pippin.store import Store, keys
from pippin.store.blob_ownership import BlobOwnership
from service.background.sweeper import Sweeper
from tests.service.background.conftest import HASTY, HOUR, MakeSweeper, PutOld, age, name_models, path_of, sweep
from tests.service.conftest import MakeService, RunningService
from tests.support.records import stored_checkpoint
from tests.support.waiting import wait_for

DAY = 24 * HOUR


@pytest.fixture
def adopting_sweeper(make_sweeper: MakeSweeper, store: Store, blobs: Blobs) -> MakeSweeper:
    """Makes sweepers whose Redis owns the blobs."""

    def make(blobs: Blobs = blobs, **changes: object) -> Sweeper:
        BlobOwnership(store, blobs).adopt()
        return make_sweeper(store, blobs, **changes)

    return make


@pytest.fixture
def sweeper(adopting_sweeper: MakeSweeper) -> Sweeper:
    return adopting_sweeper()


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


def test_unnamed_blob_is_deleted_at_the_second_sweep(sweeper: Sweeper, put_old: PutOld, blobs: Blobs) -> None:
    (orphan,), fresh = put_old(b"orphan"), blobs.put_bytes(b"fresh")
    sweeper.sweep()
    assert blobs.head(orphan) == 6
    sweeper.sweep()
    assert (blobs.head(orphan), blobs.head(fresh)) == (None, 5)


def test_every_put_restarts_the_grace(sweeper: Sweeper, settings: Settings, put_old: PutOld, blobs: Blobs) -> None:
    (digest,) = put_old(b"again")
    sweeper.sweep()
    file = settings.home / "again"
    file.write_bytes(b"again")
    assert blobs.put_file(file)[0] == digest
    sweeper.sweep()
    assert blobs.head(digest) == 5


def test_put_during_a_sweep_keeps_its_blob(
    sweeper: Sweeper, store: Store, monkeypatch: pytest.MonkeyPatch, put_old: PutOld, blobs: Blobs
) -> None:
    (digest,) = put_old(b"late")
    sweeper.sweep()
    named = store.references.digests

    def put_meanwhile() -> list[str]:
        digests = list(named())
        blobs.put_bytes(b"late")
        return digests

    monkeypatch.setattr(store.references, "digests", put_meanwhile)
    sweeper.sweep()
    assert blobs.head(digest) == 4


def test_blobs_named_by_records_are_kept(
    *,
    sweeper: Sweeper,
    store: Store,
    submitted: Callable[..., str],
    trainer: Callable[[str], Any],
    put_old: PutOld,
    blobs: Blobs,
) -> None:
    arrays, initial, checkpoint, resume = put_old(b"arrays", b"initial", b"checkpoint", b"resume")
    attempt = trainer(submitted(digest=arrays))
    attempt.begin()
    attempt.artifact("initial", initial, 7)
    of = keys.job("default", attempt.job_id)
    store.redis.hset(of.checkpoints, "1", stored(checkpoint))
    store.redis.hset(of.job, "resume", stored(resume))
    sweep(sweeper)
    assert None not in map(blobs.head, (arrays, initial, checkpoint, resume))
    (trained,) = put_old(b"trained")
    attempt.succeed(trained, 7)
    sweep(sweeper)
    # No dataset record names the arrays, and the job has ended.
    assert blobs.head(arrays) is None
    assert None not in map(blobs.head, (trained, initial, checkpoint, resume))
    store.jobs.delete("default", attempt.job_id)
    sweep(sweeper)
    assert list(blobs.names()) == []


def test_blobs_named_by_any_tenant_are_kept(sweeper: Sweeper, store: Store, put_old: PutOld, blobs: Blobs) -> None:
    mine, theirs = put_old(b"mine", b"theirs")
    name_models(store, mine)
    name_models(store, theirs, tenant="other")
    sweep(sweeper)
    assert {mine, theirs} == set(blobs.names())
    assert store.references.tenants() == ["default", "other"]


def test_deleted_datasets_and_models_free_their_blobs(
    http: httpx2.Client,
    tiny: dict[str, Any],
    mnist_spec: dict[str, Any],
    adopting_sweeper: MakeSweeper,
    service_blobs: Blobs,
) -> None:
    model = http.post("/models", json=mnist_spec).json()
    hasty = adopting_sweeper(service_blobs, sweep_grace_seconds=0)
    sweep(hasty)
    assert http.get(f"/models/{model['id']}/file").status_code == 200
    assert http.get(f"/datasets/{tiny['id']}/preview").status_code == 200
    http.delete(f"/models/{model['id']}")
    http.delete(f"/datasets/{tiny['id']}")
    sweep(hasty)
    assert {service_blobs.head(model["digest"]), service_blobs.head(tiny["digest"])} == {None}


def test_trained_model_is_kept_as_long_as_its_job(
    *,
    http: httpx2.Client,
    digits: bytes,
    adopting_sweeper: MakeSweeper,
    service_blobs: Blobs,
    trainer: Callable[..., Any],
    submitted: Callable[..., str],
) -> None:
    attempt = trainer(submitted())
    attempt.begin()
    attempt.succeed(service_blobs.put_bytes(digits), len(digits))
    hasty = adopting_sweeper(service_blobs, sweep_grace_seconds=0)
    sweep(hasty)
    assert http.get(f"/jobs/{attempt.job_id}/model").content == digits
    assert http.delete(f"/jobs/{attempt.job_id}").status_code == 204
    sweep(hasty)
    assert list(service_blobs.names()) == []


def test_jobs_past_retention_are_deleted_with_all_their_keys(
    sweeper: Sweeper, store: Store, submitted: Callable[..., str], trainer: Callable[[str], Any]
) -> None:
    waiting, recent, outdated = (submitted() for _ in range(3))
    for job_id in (recent, outdated):
        trainer(job_id).train()
    outdated = end_before(store, outdated, 31 * DAY)
    recent = end_before(store, recent, 29 * DAY)
    sweeper.sweep()
    assert [job.id for job in store.jobs.page("default").items] == [waiting, recent]
    assert store.redis.keys(f"*{outdated}*") == []


def test_a_paused_job_is_kept(sweeper: Sweeper, store: Store, submitted: Callable[..., str]) -> None:
    job_id = submitted()
    store.jobs.pause("default", job_id)
    paused = end_before(store, job_id, 365 * DAY)
    sweeper.sweep()
    job = store.jobs.get("default", paused)
    assert job is not None
    assert job.status == "paused"


@pytest.mark.parametrize(("days", "left"), [(0, 1), (10_000, 1), (0.5, 0)])
def test_retention_days_are_configurable(
    *,
    store: Store,
    submitted: Callable[..., str],
    trainer: Callable[[str], Any],
    days: float,
    left: int,
    adopting_sweeper: MakeSweeper,
) -> None:
    job_id = submitted()
    trainer(job_id).train()
    end_before(store, job_id, 1 * DAY)
    adopting_sweeper(retention_days=days).sweep()
    assert len(store.jobs.page("default").items) == left


def test_old_partial_files_are_deleted(sweeper: Sweeper, settings: Settings, blobs: Blobs) -> None:
    digest = blobs.put_bytes(b"whole")
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
    sweeper: Sweeper, settings: Settings, put_old: PutOld, blobs: Blobs
) -> None:
    (digest,) = put_old(b"aside")
    aside = settings.home / "blobs" / "swept" / digest.removeprefix("sha256:")
    aside.parent.mkdir()
    path_of(settings, digest).rename(aside)
    sweeper.sweep()
    assert blobs.head(digest) == 5
    sweeper.sweep()
    assert blobs.head(digest) is None
    assert not aside.exists()


def test_cache_shrinks_to_its_limit(settings: Settings, make_sweeper: MakeSweeper) -> None:
    entries = [settings.blob_cache / f"{number:064x}" for number in range(3)]
    settings.blob_cache.mkdir(parents=True)
    for number, entry in enumerate(entries):
        entry.write_bytes(b"x" * 100)
        os.utime(entry, (1000 + number,) * 2)
    make_sweeper(acts=False, cache_bytes=250).sweep()
    assert [entry.exists() for entry in entries] == [False, True, True]


def test_service_that_does_not_act_deletes_nothing(put_old: PutOld, make_sweeper: MakeSweeper, blobs: Blobs) -> None:
    (digest,) = put_old(b"orphan")
    sweep(make_sweeper(acts=False), 3)
    assert blobs.head(digest) == 6


def test_running_service_deletes_unnamed_blobs(make_service: MakeService) -> None:
    service = make_service(**HASTY)
    blobs = Blobs(service.settings.blobs_url)
    digest = blobs.put_bytes(b"orphan")
    wait_for(lambda: blobs.head(digest) is None, "the blob is swept")


def test_retry_during_a_sweep_keeps_the_model_spec(
    *,
    http: httpx2.Client,
    service: RunningService,
    submit: Callable[..., dict[str, Any]],
    mnist_spec: dict[str, Any],
    store: Store,
    monkeypatch: pytest.MonkeyPatch,
    adopting_sweeper: MakeSweeper,
    service_blobs: Blobs,
) -> None:
    sweeper = adopting_sweeper(service_blobs)
    mnist_spec["layers"][-2]["bias"] = [0.125] * 10
    job = submit(model={"spec": mnist_spec})
    spec = job["request"]["model"]["spec_digest"]
    http.post(f"/jobs/{job['id']}/cancel")
    age(service.settings, spec, 2 * HOUR)
    sweeper.sweep()
    named = store.references.digests

    def retry_meanwhile() -> list[str]:
        digests = list(named())
        assert http.post(f"/jobs/{job['id']}/retry").status_code == 202
        return digests

    monkeypatch.setattr(store.references, "digests", retry_meanwhile)
    sweeper.sweep()
    assert service_blobs.head(spec) is not None
