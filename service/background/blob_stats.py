"""Counts the blobs now and then, so that nobody who only looks has to list them."""

import asyncio

import structlog

from pippin.blobs import BlobError, Blobs
from pippin.store import Store, StoreUnavailable
from service.background.threads import run_duty

_log = structlog.stdlib.get_logger(__name__)

# A million objects of a bucket are a thousand requests to list.
EVERY_SECONDS = 15 * 60
_LOOK_SECONDS = 30


class BlobCensus:
    """Takes its turn at counting, which one of all services has in any quarter of an hour."""

    def __init__(self, store: Store, blobs: Blobs) -> None:
        self._store = store
        self._blobs = blobs
        self._over = False

    async def run(self) -> None:
        """Count again and again, until cancelled."""
        while True:
            await run_duty(self.count)
            await asyncio.sleep(_LOOK_SECONDS)

    def close(self) -> None:
        """Leave off a count that is under way: its thread would hold up the end of the process."""
        self._over = True

    def count(self) -> None:
        """Count and record, if it is this service's turn."""
        try:
            if not self._store.census.take_turn(EVERY_SECONDS):
                return
            counted = self._counted()
            if counted is None:
                self._store.census.give_turn_back()
            else:
                self._store.census.record(*counted)
        except StoreUnavailable:
            pass  # told by whoever needs Redis; the count comes later
        except BlobError as error:
            _log.warning("the blobs were not counted", error=str(error))

    def _counted(self) -> tuple[int, int] | None:
        """How many blobs there are, and how many bytes they have; None when the process is to end."""
        count = total = 0
        for blob in self._blobs.entries():
            if self._over:
                return None
            count += 1
            total += blob.bytes
        return count, total
