"""Deletes jobs beyond their retention, blobs that no record names, and incomplete files."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import structlog

from pippin.blobs import BlobEntry, BlobError, Blobs
from pippin.blobs.cache import BlobCache
from pippin.settings import Settings
from pippin.store import NoSuchJob, Refusal, Refused, Store, StoreError, SweepReport
from pippin.store.blob_ownership import BlobOwnership, unnamed
from pippin.system.background import every
from service.background.threads import run_in_background
from service.work_folders import sweep_work_folders

_log = structlog.stdlib.get_logger(__name__)

_DAY_SECONDS = 24 * 3600
_MAX_CANDIDATES = 100_000  # names that are remembered for the next sweep, some 20 MB; it deletes at most these


@dataclass
class _Count:
    """The result of reading the list of all blobs.

    Attributes:
        blobs: The number of blobs.
        unnamed: The number of blobs that are older than the grace and that no record names.
        deletable: Those that were unnamed at the last sweep too, up to a limit.
        candidates: The others, up to a limit, which the next sweep may delete.
    """

    blobs: int = 0
    unnamed: int = 0
    deletable: list[str] = field(default_factory=list)
    candidates: set[str] = field(default_factory=set)


class Sweeper:
    """Sweeps regularly. Of several services only the acting one deletes records and blobs.

    A blob is deleted when no record names it, when it was last put before the grace, and when both were true at the
    sweep before: a request that is processed while records are read may name a blob that no record names yet. No blob
    is deleted from a store that belongs to another Redis, by records that are older than the last sweep, during a
    backup, or when more would be deleted than the settings allow in one sweep.

    Args:
        store: Holds the records.
        blobs: Holds the blobs.
        cache: The copies of blobs on this machine.
        settings: Retention, grace and limits.
        acts: Returns whether this service is the acting one.
    """

    def __init__(
        self, store: Store, blobs: Blobs, cache: BlobCache, settings: Settings, *, acts: Callable[[], bool]
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._cache = cache
        self._settings = settings
        self._acts = acts
        self._ownership = BlobOwnership(store, blobs)
        self._ledger = store.blob_ledger
        self._candidates: frozenset[str] = frozenset()
        self._refusal: Refusal | None = None

    def claim(self) -> None:
        """Claim the blob store for this Redis, unless it has an owner or cannot be reached; then a sweep claims it.

        Call this before the service stores anything: a store without an owner is judged by its content.
        """
        try:
            verdict = self._ownership.claim()
        except (StoreError, BlobError) as error:
            _log.info("the owner of the blob store could not be read; retrying at the next sweep", error=str(error))
        else:
            self._log_change(verdict.refusal, verdict.detail)

    async def run(self) -> None:
        """Sweep regularly, the first time after one interval, until cancelled."""
        await every(
            self._settings.sweep_interval_seconds,
            lambda: run_in_background(self._sweep_if_possible),
            failure="sweeping failed",
            wait_first=True,
        )

    def sweep(self) -> None:
        """Sweep once.

        Raises:
            StoreUnavailable, BlobError: Redis or the blobs cannot be reached; a later sweep deletes the rest.
        """
        sweep_work_folders(self._settings)
        self._cache.tidy()
        if not self._acts():
            self._candidates = frozenset()
            return
        self._recount()
        if self._settings.retention_days:
            self._delete_jobs(self._settings.retention_days * _DAY_SECONDS)
        self._delete_blobs(datetime.now(UTC) - timedelta(seconds=self._settings.sweep_grace_seconds))

    def _recount(self) -> None:
        """Correct the count of the Redis memory that each tenant uses."""
        for tenant in self._store.references.tenants():
            if wrong := self._store.usage.recount(tenant):
                _log.warning("corrected the stored size of a tenant's records", tenant=tenant, bytes=wrong)

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
                    _log.info("a job could not be deleted", job=job_id, why=str(error))
            if deleted == before:
                break
        if deleted:
            _log.info("deleted expired jobs", jobs=deleted)

    def _delete_blobs(self, since: datetime) -> None:
        """Delete the blobs last put before `since` that no record names, now and at the last sweep."""
        verdict = self._ownership.claim()
        if verdict.refusal:
            self._candidates = frozenset()
            self._report(verdict.refusal, verdict.detail)
            return
        if holder := self._ledger.holder():
            _log.info("no blobs are deleted while a backup or a restore runs", held_by=holder)
            return
        self._ownership.advance()
        torn = self._blobs.delete_abandoned(since)
        count = self._count(since)
        self._candidates = frozenset((*count.candidates, *count.deletable))
        usual = max(self._settings.sweep_max_blobs, int(self._settings.sweep_max_share * count.blobs))
        if count.unnamed > usual + self._ledger.approved():
            self._report(Refusal.LIMIT, _beyond(count, usual), count)
            return
        # Checked after the records were read: the records that a backup has read by then name no deletable blob.
        may_delete = self._acts() and self._ownership.may_delete()
        deleted = (
            0 if not may_delete else sum(self._blobs.delete_untouched(digest, since) for digest in count.deletable)
        )
        self._candidates = frozenset(count.candidates)
        if count.unnamed - deleted <= usual:
            self._ledger.withdraw_approval()
        self._report(None, "", count, deleted)
        if deleted or torn:
            _log.info("deleted blobs that no record names", blobs=deleted, torn_files=torn)

    def _count(self, since: datetime) -> _Count:
        count = _Count()

        def old() -> Iterator[BlobEntry]:
            for blob in self._blobs.entries():
                count.blobs += 1
                if blob.modified < since:
                    yield blob

        for blob in unnamed(old(), self._store.references):
            count.unnamed += 1
            if blob.digest in self._candidates:
                count.deletable.append(blob.digest)
            elif len(count.candidates) < _MAX_CANDIDATES:
                count.candidates.add(blob.digest)
        return count

    def _report(self, refusal: Refusal | None, detail: str, count: _Count | None = None, deleted: int = 0) -> None:
        """Record the result of the sweep for metrics and `pippin doctor`, and log a change."""
        blobs, unnamed = (count.blobs, count.unnamed) if count else (None, None)
        self._ledger.report(
            SweepReport(refusal=refusal, detail=detail, blobs=blobs, unnamed=unnamed, deleted=deleted, at=time.time())
        )
        self._log_change(refusal, detail)

    def _log_change(self, refusal: Refusal | None, detail: str) -> None:
        if refusal is not self._refusal:
            if refusal:
                _log.warning("no blobs are deleted", reason=refusal, detail=detail)
            else:
                _log.info("deletion of unused blobs resumed")
        self._refusal = refusal

    def _sweep_if_possible(self) -> None:
        try:
            self.sweep()
        except (StoreError, BlobError) as error:
            _log.warning("the sweep was interrupted; retrying at the next one", error=str(error))


def _beyond(count: _Count, usual: int) -> str:
    share = count.unnamed / count.blobs
    return (
        f"{count.unnamed:,} of {count.blobs:,} blobs ({share:.0%}) are named by no record, and one sweep may delete "
        f"{usual:,} (PIPPIN_SWEEP_MAX_SHARE, PIPPIN_SWEEP_MAX_BLOBS): if records are missing, restore a backup; list "
        "these blobs with `pippin blobs list --unnamed`, and allow their deletion with `pippin blobs sweep --yes`"
    )
