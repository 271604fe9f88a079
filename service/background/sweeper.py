"""Deletes what is needed no more: jobs that were kept for long enough, blobs that no record names, torn files."""

import asyncio
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
from service.background.threads import run_duty
from service.datasets.ingest import sweep_upload_folders

_log = structlog.stdlib.get_logger(__name__)

_DAY_SECONDS = 24 * 3600
_MOST_CONDEMNED = 100_000  # names that are remembered for the next sweep: some 20 MB; it deletes no more than these


@dataclass
class _Census:
    """What a look at all blobs brought.

    Attributes:
        blobs: How many there are.
        unnamed: How many of them are older than the grace and named by no record.
        doomed: Those of them that were unnamed at the last sweep too, up to a limit.
        condemned: The others, up to a limit.
    """

    blobs: int = 0
    unnamed: int = 0
    doomed: list[str] = field(default_factory=list)
    condemned: set[str] = field(default_factory=set)


class Sweeper:
    """Sweeps again and again. Of several services only the one that acts touches records and blobs.

    A blob is deleted when no record names it, when it has not been put for the grace, which every put restarts, and
    when the same was true a sweep before: a request that is on its way while records are read may name a blob that no
    record does. No blob is deleted from a store that belongs to another Redis, by records that are older than the last
    sweep, while a backup is made, or when more would be deleted than the settings allow in one sweep.

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
        self._ownership = BlobOwnership(store, blobs)
        self._ledger = store.blob_ledger
        self._condemned: frozenset[str] = frozenset()
        self._refusal: Refusal | None = None

    def claim(self) -> None:
        """Claim the blob store for this Redis, unless it has an owner or cannot be reached: then a sweep does it later.

        To be called before this service stores anything: a store without an owner is judged by its content.
        """
        try:
            verdict = self._ownership.claim()
        except (StoreError, BlobError) as error:
            _log.info("the blob store's owner is looked up later", error=str(error))
        else:
            self._note(verdict.refusal, verdict.detail)

    async def run(self) -> None:
        """Sweep, until cancelled; the first time after one interval."""
        while True:
            await asyncio.sleep(self._settings.sweep_interval_seconds)
            await run_duty(self._sweep_safely)

    def sweep(self) -> None:
        """Delete what there is to delete at this moment.

        Raises:
            StoreUnavailable, BlobError: Redis or the blobs cannot be reached; a later sweep does the rest.
        """
        sweep_upload_folders(self._settings)
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
        """Delete the blobs that were untouched since then and that no record names, now and at the last sweep."""
        verdict = self._ownership.claim()
        if verdict.refusal:
            self._condemned = frozenset()
            self._report(verdict.refusal, verdict.detail)
            return
        if holder := self._ledger.holder():
            _log.info("no blobs are deleted while a backup or a restore runs", held_by=holder)
            return
        self._ownership.advance()
        torn = self._blobs.delete_abandoned(since)
        census = self._count(since)
        self._condemned = frozenset((*census.condemned, *census.doomed))
        usual = max(self._settings.sweep_max_blobs, int(self._settings.sweep_max_share * census.blobs))
        if census.unnamed > usual + self._ledger.approved():
            self._report(Refusal.LIMIT, _beyond(census, usual), census)
            return
        # Looked up after the records were read: what a backup has read by then names nothing that is doomed here.
        may_delete = self._acts() and self._ownership.may_delete()
        deleted = 0 if not may_delete else sum(self._blobs.delete_untouched(digest, since) for digest in census.doomed)
        self._condemned = frozenset(census.condemned)
        if census.unnamed - deleted <= usual:
            self._ledger.withdraw_approval()
        self._report(None, "", census, deleted)
        if deleted or torn:
            _log.info("deleted blobs that no record names", blobs=deleted, torn_files=torn)

    def _count(self, since: datetime) -> _Census:
        census = _Census()

        def old() -> Iterator[BlobEntry]:
            for blob in self._blobs.entries():
                census.blobs += 1
                if blob.modified < since:
                    yield blob

        for blob in unnamed(old(), self._store.references):
            census.unnamed += 1
            if blob.digest in self._condemned:
                census.doomed.append(blob.digest)
            elif len(census.condemned) < _MOST_CONDEMNED:
                census.condemned.add(blob.digest)
        return census

    def _report(self, refusal: Refusal | None, detail: str, census: _Census | None = None, deleted: int = 0) -> None:
        """Record how the sweep ended, for metrics and `pippin doctor`, and log a change."""
        blobs, unnamed = (census.blobs, census.unnamed) if census else (None, None)
        self._ledger.report(
            SweepReport(refusal=refusal, detail=detail, blobs=blobs, unnamed=unnamed, deleted=deleted, at=time.time())
        )
        self._note(refusal, detail)

    def _note(self, refusal: Refusal | None, detail: str) -> None:
        if refusal is not self._refusal:
            if refusal:
                _log.warning("no blobs are deleted", reason=refusal, detail=detail)
            else:
                _log.info("blobs that no record names are deleted again")
        self._refusal = refusal

    def _sweep_safely(self) -> None:
        try:
            self.sweep()
        except (StoreError, BlobError) as error:
            _log.warning("sweeping was cut off; it goes on later", error=str(error))
        except Exception:  # noqa: BLE001 (the next sweep must come, whatever happens to this one)
            _log.exception("sweeping failed")


def _beyond(census: _Census, usual: int) -> str:
    share = census.unnamed / census.blobs
    return (
        f"no record names {census.unnamed:,} of {census.blobs:,} blobs ({share:.0%}), and one sweep may delete "
        f"{usual:,} (PIPPIN_SWEEP_MAX_SHARE, PIPPIN_SWEEP_MAX_BLOBS): if records are missing, restore a backup; "
        "`pippin blobs list --unnamed` shows these blobs, and `pippin blobs sweep --yes` lets them be deleted"
    )
