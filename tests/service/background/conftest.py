"""Records and blobs of each test's own, and sweepers of both."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from pippin.blobs import Blobs
from pippin.blobs.cache import BlobCache
from pippin.settings import Settings
from pippin.store import Refusal, Store, keys
from pippin.store.blob_ownership import BlobOwnership
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


@dataclass
class Storage:
    """The records in a Redis, and a blob store."""

    store: Store
    settings: Settings
    blobs: Blobs = field(init=False)

    def __post_init__(self) -> None:
        self.blobs = Blobs(self.settings.blobs_url)

    @property
    def digests(self) -> set[str]:
        """All blobs."""
        return set(self.blobs.names())

    @property
    def refusal(self) -> Refusal | None:
        """Why the last sweep deleted nothing."""
        report = self.store.blob_ledger.last_report()
        assert report is not None
        assert bool(report.detail) == bool(report.refusal)
        return report.refusal

    def sweeper(self, *, acts: bool = True, **changes: object) -> Sweeper:
        """A sweeper with changed settings."""
        settings = self.settings.model_copy(update=changes)
        cache = BlobCache(settings.blob_cache, settings.cache_bytes, self.blobs)
        return Sweeper(self.store, self.blobs, cache, settings, acts=lambda: acts)

    def adopt(self) -> None:
        """Make the Redis the owner of the blobs."""
        BlobOwnership(self.store, self.blobs).adopt()

    def path(self, digest: str) -> Path:
        name = digest.removeprefix("sha256:")
        return self.settings.home / "blobs" / name[:2] / name

    def age(self, digest: str) -> None:
        """Set a blob's modification time to before the grace."""
        os.utime(self.path(digest), (time.time() - 2 * HOUR,) * 2)

    def put_old(self, *contents: bytes) -> list[str]:
        """Store blobs whose modification time is before the grace."""
        digests = [self.blobs.put_bytes(content) for content in contents]
        for digest in digests:
            self.age(digest)
        return digests

    def name_models(self, *digests: str, tenant: str = "default") -> None:
        """Add model records that name these blobs."""
        for number, digest in enumerate(digests):
            self.store.redis.zadd(keys.listing(tenant, "model"), {f"model_{number}": 0})
            record = keys.record(tenant, "model", f"model_{number}")
            self.store.redis.hset(record, "record", json.dumps({"digest": digest}))


@pytest.fixture
def storage(store: Store, make_settings: Callable[..., Settings]) -> Storage:
    """Without a service."""
    return Storage(store, make_settings())


@pytest.fixture
def service_storage(store: Store, service: RunningService) -> Storage:
    """That of the running service."""
    return Storage(store, service.settings)


def sweep(sweeper: Sweeper, times: int = 2) -> None:
    """Sweep so often; the second sweep deletes what the first has marked."""
    for _ in range(times):
        sweeper.sweep()
