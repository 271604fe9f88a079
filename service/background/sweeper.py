"""Deletes what nobody needs any more: jobs that were kept for long enough, blobs that no record names, torn files."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

import structlog
from starlette.concurrency import run_in_threadpool

from pippin.blob_cache import BlobCache
from pippin.blobs import BlobError, Blobs
from pippin.settings import Settings
from pippin.store import NoSuchJob, Refused, Store, StoreUnavailable
from service.datasets.ingest import sweep_workrooms

_log = structlog.stdlib.get_logger(__name__)

_DAY_SECONDS = 24 * 3600
# So many old blobs are held against the records at once: some 20 MB of names, whatever there is of either.
_BATCH = 100_000


class Sweeper:
    """Sweeps again and again. Of several services only the one that acts touches records and blobs.

    A blob goes when no record names it, when it has not been put for the grace, which every put begins anew, and when
    the same was true a sweep before: a request that is on its way while records are read may name a blob that nobody
    else does.

    Args:
        store: Where the records are.
        blobs: Where the blobs are.
        cache: This machine's copies of blobs.
        settings: How long things are kept.
        acts: Whether this service is the one that acts.
    """

    def __init__(
        self, store: Store, blobs: Blobs, cache: BlobCache, settings: Settings, *, acts: Callable[[], bool]
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._cache = cache
        self._settings = settings
        self._acts = acts
        self._condemned: frozenset[str] = frozenset()

    async def run(self) -> None:
        """Sweep, until cancelled; the first time after one interval."""
        while True:
            await asyncio.sleep(self._settings.sweep_interval_seconds)
            await run_in_threadpool(self._sweep_safely)

    def sweep(self) -> None:
        """Delete what there is to delete at this moment.

        Raises:
            StoreUnavailable, BlobError: Redis or the blobs cannot be reached; a later sweep does the rest.
        """
        sweep_workrooms(self._settings)
        self._cache.tidy()
        if not self._acts():
            self._condemned = frozenset()
            return
        self._recount()
        if self._settings.retention_days:
            self._delete_jobs(self._settings.retention_days * _DAY_SECONDS)
        self._delete_blobs(datetime.now(UTC) - timedelta(seconds=self._settings.sweep_grace_seconds))

    def _recount(self) -> None:
        """Set right what tenants are charged for their records."""
        for tenant in self._store.references.tenants():
            if wrong := self._store.usage.recount(tenant):
                _log.warning("what a tenant holds in Redis was counted wrong", tenant=tenant, bytes=wrong)

    def _delete_jobs(self, seconds: float) -> None:
        deleted = 0
        while self._acts() and (outdated := self._store.retention.outdated(seconds)):
            before = deleted
            for tenant, job_id in outdated:
                try:
                    self._store.jobs.delete(tenant, job_id)
                    deleted += 1
                except (NoSuchJob, Refused) as error:
                    # A client may delete it at the same time.
                    _log.info("a job was not deleted", job=job_id, why=str(error))
            if deleted == before:
                break
        if deleted:
            _log.info("deleted jobs that were kept for long enough", jobs=deleted)

    def _delete_blobs(self, since: datetime) -> None:
        """Delete the blobs that were untouched since then and that nobody names, now and at the last sweep."""
        torn = self._blobs.delete_abandoned(since)
        condemned: set[str] = set()
        deleted = 0
        old = self._blobs.names(untouched_since=since)
        while self._acts() and (batch := set(islice(old, _BATCH))):
            for digest in self._unnamed(batch):
                if digest in self._condemned:
                    deleted += self._blobs.delete_untouched(digest, since)
                elif len(condemned) < _BATCH:
                    condemned.add(digest)
        self._condemned = frozenset(condemned)
        if deleted or torn:
            _log.info("deleted blobs that no record names", blobs=deleted, torn_files=torn)

    def _unnamed(self, digests: set[str]) -> Iterator[str]:
        digests.difference_update(self._store.references.digests())
        return iter(digests)

    def _sweep_safely(self) -> None:
        try:
            self.sweep()
        except (StoreUnavailable, BlobError) as error:
            _log.warning("sweeping was cut off; it goes on later", error=str(error))
        except Exception:  # noqa: BLE001 (the next sweep must come, whatever happens to this one)
            _log.exception("sweeping failed")
