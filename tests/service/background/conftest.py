"""A blob store for each test, and sweepers of it."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pippin.blobs import Blobs
from pippin.blobs.cache import BlobCache
from pippin.settings import Settings
from pippin.store import Store, keys
from service.background.sweeper import Sweeper
from tests.service.conftest import RunningService

HOUR = 3600
# Settings of a service that deletes blobs almost at once.
HASTY = {
    "reaper_interval_seconds": 0.1,
    "reaper_grace_seconds": 0,
    "sweep_interval_seconds": 0.1,
    "sweep_grace_seconds": 0,
}

PutOld = Callable[..., list[str]]
MakeSweeper = Callable[..., Sweeper]


@pytest.fixture
def settings(make_settings: Callable[..., Settings]) -> Settings:
    return make_settings()


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    """An empty blob store, which is not the one of the running service."""
    return Blobs(settings.blobs_url)


@pytest.fixture
def service_blobs(service: RunningService) -> Blobs:
    return Blobs(service.settings.blobs_url)


@pytest.fixture
def put_old(settings: Settings, blobs: Blobs) -> PutOld:
    """Stores blobs whose modification time is older than the grace; their digests."""

    def put(*contents: bytes) -> list[str]:
        digests = [blobs.put_bytes(content) for content in contents]
        for digest in digests:
            age(settings, digest, 2 * HOUR)
        return digests

    return put


@pytest.fixture
def make_sweeper(store: Store, blobs: Blobs, settings: Settings) -> MakeSweeper:
    """Makes sweepers: of another store, or of other blobs, or that do not act, or with changed settings."""

    def make(store: Store = store, blobs: Blobs = blobs, *, acts: bool = True, **changes: object) -> Sweeper:
        changed = settings.model_copy(update=changes)
        cache = BlobCache(changed.blob_cache, changed.cache_bytes, blobs)
        return Sweeper(store, blobs, cache, changed, acts=lambda: acts)

    return make


def path_of(settings: Settings, digest: str) -> Path:
    name = digest.removeprefix("sha256:")
    return settings.home / "blobs" / name[:2] / name


def age(settings: Settings, digest: str, seconds: float) -> None:
    os.utime(path_of(settings, digest), (time.time() - seconds,) * 2)


def sweep(sweeper: Sweeper, times: int = 2) -> None:
    """Sweep so often; the second sweep deletes what the first has marked."""
    for _ in range(times):
        sweeper.sweep()


def name_models(store: Store, *digests: str, tenant: str = "default") -> None:
    """Add model records that name these blobs."""
    for number, digest in enumerate(digests):
        store.redis.zadd(keys.listing(tenant, "model"), {f"model_{number}": 0})
        store.redis.hset(keys.record(tenant, "model", f"model_{number}"), "record", json.dumps({"digest": digest}))
