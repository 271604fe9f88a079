"""Brings back what was lost: attempts whose worker fell silent, and jobs that no worker would ever find."""

import asyncio
import secrets
import time

import structlog
from starlette.concurrency import run_in_threadpool

from pippin.jobs.states import Status
from pippin.store import Store, StoreUnavailable
from service.meters import Meters

_log = structlog.stdlib.get_logger(__name__)

# A look may take this long beyond its turn. The store sends a command again for some 20 s before it gives up, so an
# outage shows as a long look as often as an error.
_SLACK_SECONDS = 2.0


class Reaper:
    """Looks every few seconds. Of several services only one acts, and only while it can trust what it sees.

    After an outage of Redis every lease looks expired, though the workers live: nothing is taken before Redis was
    reached unbroken for `grace` seconds, in which a living worker has long renewed its lease.
    """

    def __init__(self, store: Store, *, interval: float, grace: float, meters: Meters | None = None) -> None:
        self._store = store
        self._interval = interval
        self._grace = grace
        self._meters = meters or Meters()
        self._name = secrets.token_hex(8)
        self._first_reached: float | None = None
        self._last_reached = 0.0

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        try:
            while True:
                await run_in_threadpool(self._look_safely)
                await asyncio.sleep(self._interval)
        finally:
            await run_in_threadpool(self._resign)

    def look(self) -> None:
        """Do what there is to do at this moment.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        acting = self._store.reaping.acting(self._name, 3 * self._interval + _SLACK_SECONDS)
        self._meters.reaper_looked(acting=acting)
        if not self._trusts(time.monotonic()) or not acting:
            return
        for tenant, job_id in self._store.reaping.expired():
            status = self._store.reaping.requeue_lost(tenant, job_id)
            if status is not None:
                self._meters.reaped("requeued" if status is Status.QUEUED else status)
                _log.warning("an attempt was lost", job=job_id, job_is_now=status)
        for _, job_id in self._store.reaping.requeue_orphans():
            self._meters.reaped("queued_again")
            _log.warning("a queued job was in no queue and is queued again", job=job_id)
        for _, job_id in self._store.reaping.move_stranded():
            self._meters.reaped("moved")
            _log.info("a job was moved to an engine that is alive", job=job_id)

    def _trusts(self, now: float) -> bool:
        """Whether Redis has been reached without a gap for long enough."""
        if self._first_reached is None or now - self._last_reached > self._interval + _SLACK_SECONDS:
            self._first_reached = now
        self._last_reached = now
        return now - self._first_reached >= self._grace

    def _look_safely(self) -> None:
        try:
            self.look()
        except StoreUnavailable:
            self._first_reached = None
        except Exception:  # noqa: BLE001 (the next look must come, whatever happens to this one)
            _log.exception("looking for lost attempts failed")

    def _resign(self) -> None:
        try:
            self._store.reaping.resign(self._name)
        except StoreUnavailable:
            _log.info("another reaper acts when this one's turn has run out")
