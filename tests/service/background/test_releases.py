"""Blobs that `keep` releases while a job is trained."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Protocol

import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.blobs import Blobs
from pippin.settings import Settings
from pippin.store import Claim, Store, UnreadableRecord, keys
from service.background.releases import BlobReleases
from service.telemetry.meters import Meters
from tests.support.records import stored_checkpoint

KEPT = 3  # the default number of checkpoints that a job keeps
EPOCHS = 12
Checkpoints = Callable[..., StoredCheckpoint]


class Attempt(Protocol):
    """The part of the `Trainer` in conftest.py that is used here."""

    job_id: str
    claim: Claim

    def epoch(self, epoch: int, *, checkpoint: StoredCheckpoint) -> str: ...


@pytest.fixture
def blobs(make_settings: Callable[..., Settings]) -> Blobs:
    return Blobs(make_settings().blobs_url)


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
def releases(store: Store, blobs: Blobs, meters: Meters) -> BlobReleases:
    """Releases without a grace."""
    return BlobReleases(store, blobs, seconds=0, may_delete=lambda: True, meters=meters)


@pytest.fixture
def checkpoint(blobs: Blobs) -> Checkpoints:
    def make(epoch: int, step: int = 0) -> StoredCheckpoint:
        digest = blobs.put_bytes(f"{epoch}.{step}".encode())
        created = datetime(2026, 11, 23, tzinfo=UTC)
        return stored_checkpoint(epoch, step, digest=digest, bytes=1, created_at=created)

    return make


@pytest.fixture
def attempt(submitted: Callable[..., str], trainer: Callable[[str], Any]) -> Attempt:
    running = trainer(submitted())
    running.begin()
    attempt: Attempt = running
    return attempt


def release_all(releases: BlobReleases, store: Store) -> None:
    while store.redis.exists(keys.RELEASED):
        releases.run_once()
        time.sleep(0.01)  # the file's modification time must be in the past
    releases.run_once()


def test_training_job_stores_at_most_keep_checkpoints(
    *,
    releases: BlobReleases,
    store: Store,
    blobs: Blobs,
    attempt: Attempt,
    checkpoint: Checkpoints,
    meters: Meters,
) -> None:
    max_count = 0
    for epoch in range(1, EPOCHS + 1):
        if epoch % 2:
            store.attempts.checkpoint(attempt.claim, checkpoint(epoch - 1, 5))
        attempt.epoch(epoch, checkpoint=checkpoint(epoch))
        release_all(releases, store)
        max_count = max(max_count, len(list(blobs.names())))
    assert max_count <= KEPT
    kept = store.jobs.checkpoints("default", attempt.job_id)
    assert {each.digest for each in kept} == {f"sha256:{name.removeprefix('sha256:')}" for name in blobs.names()}
    assert [each.epoch for each in kept] == [10, 11, 12]
    deleted = EPOCHS + EPOCHS // 2 - KEPT
    assert meters.registry.get_sample_value("pippin_blobs_released_total") == deleted


def test_checkpoint_shared_with_another_job_is_not_deleted(
    *,
    releases: BlobReleases,
    store: Store,
    blobs: Blobs,
    attempt: Attempt,
    checkpoint: Checkpoints,
    submitted: Callable[..., str],
    trainer: Callable[[str], Any],
) -> None:
    other = trainer(submitted())
    other.begin()
    same = checkpoint(1)
    other.epoch(1, checkpoint=same)
    for epoch in range(1, KEPT + 3):
        attempt.epoch(epoch, checkpoint=checkpoint(epoch))
    release_all(releases, store)
    assert blobs.head(same.digest) is not None
    assert len(list(blobs.names())) == KEPT + 1


def test_blobs_are_not_released_within_the_grace(
    store: Store, blobs: Blobs, attempt: Attempt, checkpoint: Checkpoints, meters: Meters
) -> None:
    patient = BlobReleases(store, blobs, seconds=3600, may_delete=lambda: True, meters=meters)
    for epoch in range(1, KEPT + 2):
        attempt.epoch(epoch, checkpoint=checkpoint(epoch))
    assert patient.run_once() == 0
    assert patient.run_once() == 0
    assert len(list(blobs.names())) == KEPT + 1


def test_service_without_permission_to_delete_releases_nothing(
    store: Store, blobs: Blobs, attempt: Attempt, checkpoint: Checkpoints, meters: Meters
) -> None:
    idle = BlobReleases(store, blobs, seconds=0, may_delete=lambda: False, meters=meters)
    for epoch in range(1, KEPT + 2):
        attempt.epoch(epoch, checkpoint=checkpoint(epoch))
    assert idle.run_once() == 0
    assert store.redis.llen(keys.RELEASED) == 1
    assert len(list(blobs.names())) == KEPT + 1


def test_nothing_is_released_while_a_record_is_unreadable(
    releases: BlobReleases, store: Store, blobs: Blobs, attempt: Attempt, checkpoint: Checkpoints
) -> None:
    for epoch in range(1, KEPT + 2):
        attempt.epoch(epoch, checkpoint=checkpoint(epoch))
    store.redis.zadd(keys.listing("default", "dataset"), {"ds_x": 0})
    store.redis.hset(keys.record("default", "dataset", "ds_x"), "record", "{")
    with pytest.raises(UnreadableRecord):
        release_all(releases, store)
    assert len(list(blobs.names())) == KEPT + 1


def test_invalid_release_entries_are_skipped(releases: BlobReleases, store: Store) -> None:
    store.redis.rpush(keys.RELEASED, "", "{}", "[" * 10_000, '{"digest": "../../etc/passwd"}')
    assert releases.run_once() == 0
    assert store.redis.exists(keys.RELEASED) == 0


def test_blobs_of_many_deleted_records_are_released_without_a_sweep(
    releases: BlobReleases, store: Store, blobs: Blobs
) -> None:
    # More than a sweep deletes without approval.
    kept, *digests = [blobs.put_bytes(b"%d" % number) for number in range(150)]
    for number, digest in enumerate(digests):
        store.redis.zadd(keys.listing("default", "model"), {f"model_{number}": 0})
        store.redis.hset(keys.record("default", "model", f"model_{number}"), "record", json.dumps({"digest": digest}))
        assert store.models.delete("default", f"model_{number}")
    release_all(releases, store)
    assert set(blobs.names()) == {kept}
