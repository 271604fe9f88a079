"""Counts the blobs regularly, so that a scrape of the metrics does not have to list them."""

import structlog

from pippin.blobs import BlobError, Blobs
from pippin.store import Store, StoreUnavailable
from pippin.system.background import every
from service.background.threads import run_in_background

_log = structlog.stdlib.get_logger(__name__)

# Listing a million objects of a bucket takes a thousand requests.
COUNT_SECONDS = 15 * 60
_LOOK_SECONDS = 30


class BlobStats:
    """Counts the blobs. Of several services, one counts in each quarter of an hour."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs
        self._is_closed = False

    async def run(self) -> None:
        """Count regularly, until cancelled."""
        await every(_LOOK_SECONDS, lambda: run_in_background(self.count), failure="counting blobs failed")

    def close(self) -> None:
        """Stop a count that is running: its thread would delay the end of the process."""
        self._is_closed = True

    def count(self) -> None:
        """Count and record, if it is the turn of this service."""
        try:
            if not self._store.blob_stats.try_acquire(COUNT_SECONDS):
                return
            counted = self._counted()
            if counted is None:
                self._store.blob_stats.release_turn()
            else:
                self._store.blob_stats.record(*counted)
        except StoreUnavailable:
            pass  # reported elsewhere; the next turn counts
        except BlobError as error:
            _log.warning("blobs were not counted", error=str(error))

    def _counted(self) -> tuple[int, int] | None:
        """The number of blobs and their bytes; None when the process is about to end."""
        count = total = 0
        for blob in self._blobs.entries():
            if self._is_closed:
                return None
            count += 1
            total += blob.bytes
        return count, total
