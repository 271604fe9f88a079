"""Blobs that `keep` releases while a job is trained."""

import time
from collections.abc import Callable

import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.store import Store, UnreadableRecord, keys
from service.background.releases import BlobReleases
from service.telemetry.meters import Meters
from tests.service.background.conftest import Storage
from tests.service.conftest import MakeTrainer, Trainer
from tests.support.records import stored_checkpoint

KEPT = 3  # the default number of checkpoints that a job keeps
EPOCHS = 12
Checkpoints = Callable[..., StoredCheckpoint]


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
def releases(storage: Storage, meters: Meters) -> BlobReleases:
    """Releases without a grace."""
    return BlobReleases(storage.store, storage.blobs, seconds=0, may_delete=lambda: True, meters=meters)


@pytest.fixture
def checkpoint(storage: Storage) -> Checkpoints:
    def make(epoch: int, step: int = 0) -> StoredCheckpoint:
        digest = storage.blobs.put_bytes(f"{epoch}.{step}".encode())
        return stored_checkpoint(epoch, step, digest=digest, bytes=1)

    return make


@pytest.fixture
def attempt(submitted: Callable[..., str], trainer: MakeTrainer) -> Trainer:
    running = trainer(submitted())
    running.begin()
    return running


@pytest.fixture
def exceeding_attempt(attempt: Trainer, checkpoint: Checkpoints) -> Trainer:
    """An attempt with one checkpoint more than its job keeps."""
    for epoch in range(1, KEPT + 2):
        attempt.epoch(epoch, checkpoint=checkpoint(epoch))
    return attempt


def release_all(releases: BlobReleases, storage: Storage) -> None:
    while storage.store.redis.exists(keys.RELEASED):
        releases.run_once()
        time.sleep(0.01)  # the file's modification time must be in the past
    releases.run_once()


def test_training_job_stores_at_most_keep_checkpoints(
    releases: BlobReleases, storage: Storage, attempt: Trainer, checkpoint: Checkpoints, meters: Meters
) -> None:
    for epoch in range(1, EPOCHS + 1):
        if epoch % 2:
            storage.store.attempts.checkpoint(attempt.claim, checkpoint(epoch - 1, 5))
        attempt.epoch(epoch, checkpoint=checkpoint(epoch))
        release_all(releases, storage)
        assert len(storage.digests) <= KEPT
    kept = storage.store.jobs.checkpoints("default", attempt.job_id)
    assert {each.digest for each in kept} == storage.digests
    assert [each.epoch for each in kept] == [10, 11, 12]
    deleted = EPOCHS + EPOCHS // 2 - KEPT
    assert meters.registry.get_sample_value("pippin_blobs_released_total") == deleted


def test_checkpoint_shared_with_another_job_is_not_deleted(
    *,
    releases: BlobReleases,
    storage: Storage,
    attempt: Trainer,
    checkpoint: Checkpoints,
    submitted: Callable[..., str],
    trainer: MakeTrainer,
) -> None:
    other = trainer(submitted())
    other.begin()
    same = checkpoint(1)
    other.epoch(1, checkpoint=same)
    for epoch in range(1, KEPT + 3):
        attempt.epoch(epoch, checkpoint=checkpoint(epoch))
    release_all(releases, storage)
    assert same.digest in storage.digests
    assert len(storage.digests) == KEPT + 1


@pytest.mark.parametrize(
    ("seconds", "may_delete", "queued"),
    [pytest.param(3600, True, 0, id="within the grace"), pytest.param(0, False, 1, id="without permission to delete")],
)
@pytest.mark.usefixtures("exceeding_attempt")
def test_blobs_are_not_released(
    storage: Storage, meters: Meters, seconds: float, may_delete: bool, queued: int
) -> None:
    idle = BlobReleases(storage.store, storage.blobs, seconds=seconds, may_delete=lambda: may_delete, meters=meters)
    assert (idle.run_once(), idle.run_once()) == (0, 0)
    assert storage.store.redis.llen(keys.RELEASED) == queued
    assert len(storage.digests) == KEPT + 1


@pytest.mark.usefixtures("exceeding_attempt")
def test_nothing_is_released_while_a_record_is_unreadable(releases: BlobReleases, storage: Storage) -> None:
    storage.store.redis.zadd(keys.listing("default", "dataset"), {"ds_x": 0})
    storage.store.redis.hset(keys.record("default", "dataset", "ds_x"), "record", "{")
    with pytest.raises(UnreadableRecord):
        release_all(releases, storage)
    assert len(storage.digests) == KEPT + 1


def test_invalid_release_entries_are_skipped(releases: BlobReleases, store: Store) -> None:
    store.redis.rpush(keys.RELEASED, "", "{}", "[" * 10_000, '{"digest": "../../etc/passwd"}')
    assert releases.run_once() == 0
    assert store.redis.exists(keys.RELEASED) == 0


def test_blobs_of_many_deleted_records_are_released_without_a_sweep(releases: BlobReleases, storage: Storage) -> None:
    # More than a sweep deletes without approval.
    kept, *digests = [storage.blobs.put_bytes(b"%d" % number) for number in range(150)]
    storage.name_models(*digests)
    for number in range(len(digests)):
        assert storage.store.models.delete("default", f"model_{number}")
    release_all(releases, storage)
    assert storage.digests == {kept}
