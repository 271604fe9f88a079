"""Deletes the blobs that records have let go of: checkpoints beyond `keep`, and the files of what was deleted.

Sweeps find them too, but only after their grace, an hour, and at their second look: thousands of epochs later. And a
sweep that finds very many asks an operator first.
"""

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import structlog

from pippin.blobs import BlobError, Blobs
from pippin.store import Store, StoreUnavailable, UnreadableRecord
from service.background.threads import run_duty
from service.telemetry.meters import Meters

_log = structlog.stdlib.get_logger(__name__)

_BATCH = 1000
_MAX_PENDING = 10_000  # some 2 MB of names; what is beyond it is left to the sweeper
# All records are read to see that nothing else names a blob: that takes a twentieth of the time at most.
_SHARE = 20


class BlobReleases:
    """Deletes released blobs once they have been released for the grace and no record names them.

    The same blob may be a file of another job, since equal trainings make equal files; or it may be named by a request
    that is on its way: hence both conditions.

    Args:
        store: Where the records are.
        blobs: Where the blobs are.
        seconds: How long such a blob is kept, and how often the list is looked at.
        may_delete: Whether this service may delete blobs at this moment.
        meters: Where to count what is done.
    """

    def __init__(
        self, store: Store, blobs: Blobs, *, seconds: float, may_delete: Callable[[], bool], meters: Meters
    ) -> None:
        self._store = store
        self._blobs = blobs
        self._seconds = seconds
        self._may_delete = may_delete
        self._meters = meters
        self._pending: dict[str, float] = {}  # digest -> when it was first seen here, by the monotonic clock

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        pause = self._seconds
        while True:
            await asyncio.sleep(pause)
            began = time.monotonic()
            await run_duty(self._look_safely)
            pause = max(self._seconds, _SHARE * (time.monotonic() - began))

    def look(self) -> int:
        """Delete what can be deleted at this moment.

        Returns:
            How many blobs were deleted.

        Raises:
            StoreUnavailable, BlobError: Redis or the blobs cannot be reached; a sweep deletes what is left.
            UnreadableRecord: What a record names cannot be told, so nothing is deleted.
        """
        if not self._may_delete():
            self._pending.clear()
            return 0
        now = time.monotonic()
        # The grace of a blob that is released again restarts.
        while len(self._pending) < _MAX_PENDING and (dropped := self._store.released.take(_BATCH)):
            self._pending.update(dict.fromkeys(dropped, now))
        due = [digest for digest, seen in self._pending.items() if now - seen >= self._seconds]
        if not due:
            return 0
        for digest in due:
            del self._pending[digest]
        unnamed = set(due).difference(self._store.references.digests())
        # Redis may have been emptied, or a backup begun, while the records were read.
        if not self._may_delete():
            return 0
        since = datetime.now(UTC) - timedelta(seconds=self._seconds)
        deleted = sum(self._blobs.delete_untouched(digest, since) for digest in unnamed)
        self._meters.released(deleted)
        return deleted

    def _look_safely(self) -> None:
        try:
            self.look()
        except (StoreUnavailable, BlobError, UnreadableRecord) as error:
            _log.warning("released blobs are left to the sweeper", error=str(error))
        except Exception:  # noqa: BLE001 (the next look must come, whatever happens to this one)
            _log.exception("deleting released blobs failed")
