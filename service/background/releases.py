"""Deletes the blobs that records have released: checkpoints beyond `keep`, and the files of deleted records.

The sweeper would delete them too, but only after its grace of an hour and at its second sweep, thousands of epochs
later; and a sweep with very many such blobs needs the approval of an operator.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from pippin.blobs import BlobError, Blobs
from pippin.store import Store, StoreUnavailable, UnreadableRecord
from pippin.system.background import every
from service.background.threads import run_in_background
from service.telemetry.meters import Meters

_log = structlog.stdlib.get_logger(__name__)

_BATCH = 1000
_MAX_PENDING = 10_000  # some 2 MB of names; the sweeper deletes further ones
# All records are read to check that no other one names a blob. The pause limits that to a twentieth of the time.
_PAUSE_PER_BUSY_SECOND = 20


class BlobReleases:
    """Deletes released blobs once they have been released for the grace and no record names them.

    Both conditions are necessary: equal trainings create equal files, so the blob may belong to another job too; and a
    request that is being processed may be about to name it.

    Args:
        store: Holds the records.
        blobs: Holds the blobs.
        seconds: The grace, and the interval of the checks.
        may_delete: Returns whether this service may delete blobs now.
        meters: Counts the deleted blobs.
    """

    def __init__(
        self, store: Store, blobs: Blobs, *, seconds: float, may_delete: Callable[[], bool], meters: Meters
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._seconds = seconds
        self._may_delete = may_delete
        self._meters = meters
        self._pending: dict[str, float] = {}  # digest -> when this process read it, by the monotonic clock

    async def run(self) -> None:
        """Delete regularly, until cancelled."""
        await every(
            self._seconds,
            lambda: run_in_background(self._run_if_possible),
            failure="deleting released blobs failed",
            wait_first=True,
            pause_per_busy_second=_PAUSE_PER_BUSY_SECOND,
        )

    def run_once(self) -> int:
        """Delete the blobs that can be deleted now.

        Returns:
            The number of deleted blobs.

        Raises:
            StoreUnavailable, BlobError: Redis or the blobs cannot be reached; a sweep deletes the rest.
            UnreadableRecord: A record that cannot be read may name any blob, so none is deleted.
        """
        if not self._may_delete():
            self._pending.clear()
            return 0
        now = time.monotonic()
        # The grace restarts when a blob is released again.
        while len(self._pending) < _MAX_PENDING and (dropped := self._store.released.take(_BATCH)):
            self._pending.update(dict.fromkeys(dropped, now))
        due = [digest for digest, seen in self._pending.items() if now - seen >= self._seconds]
        if not due:
            return 0
        for digest in due:
            del self._pending[digest]
        unnamed = set(due).difference(self._store.references.digests())
        # Redis may have been emptied, or a backup started, while the records were read.
        if not self._may_delete():
            return 0
        since = datetime.now(UTC) - timedelta(seconds=self._seconds)
        deleted = sum(self._blobs.delete_untouched(digest, since) for digest in unnamed)
        self._meters.released(deleted)
        return deleted

    def _run_if_possible(self) -> None:
        try:
            self.run_once()
        except (StoreUnavailable, BlobError, UnreadableRecord) as error:
            _log.warning("released blobs could not be deleted; the sweeper will delete them", error=str(error))
