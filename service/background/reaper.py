"""Brings back what was lost: attempts whose worker fell silent, and jobs that no worker would ever find."""

import asyncio
import secrets
import time

import structlog
from redis.exceptions import ResponseError

from pippin.api.states import Status
from pippin.store import Store, StoreUnavailable
from service.background.threads import run_duty
from service.telemetry.meters import Meters

_log = structlog.stdlib.get_logger(__name__)

# A look may take this long beyond its turn before another reaper takes over.
_SLACK_SECONDS = 2.0
# An answer of Redis may take some time; a step of the clock by less harms nothing.
_CLOCK_STEP_SECONDS = 2.0


class Reaper:
    """Looks every few seconds. Of several services only one acts, and only while it can trust what it sees.

    After an outage of Redis every lease looks expired, though the workers live: nothing is taken before Redis was
    reached unbroken for `grace` seconds, in which a living worker has long renewed its lease. A gap too short for a
    lease to run out breaks nothing, be it one of Redis or one without a service.

    Attributes:
        acts: Whether it was the one that acts when it last looked.
    """

    def __init__(
        self, store: Store, *, interval: float, grace: float, gap: float, meters: Meters | None = None
    ) -> None:
        """Make one that has not looked yet.

        Args:
            store: Where the leases are.
            interval: Seconds from one look to the next; half of `gap` at most: between two looks no outage is seen.
            grace: For how many seconds Redis must have been reached before anything is taken.
            gap: After this many seconds in which nobody reached Redis `grace` begins anew.
            meters: Where to count what is done.
        """
        self._store = store
        self._interval = min(interval, gap / 2)
        self._turn = self._interval + _SLACK_SECONDS
        self._grace = grace
        self._gap = gap
        self._meters = meters or Meters()
        self._name = secrets.token_hex(8)
        self.acts = False
        self._clocks: tuple[float, float] | None = None  # this machine's monotonic one and that of Redis, in seconds

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        try:
            while True:
                await run_duty(self._look_safely)
                await asyncio.sleep(self._interval)
        finally:
            await run_duty(self._resign)

    def look(self) -> None:
        """Do what there is to do at this moment.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        self._store.scripts.load()
        self._watch_clock()
        trusted = self._store.reaping.reached(self._gap) >= self._grace
        acting = self._store.reaping.acting(self._name, self._turn)
        self._meters.reaper_looked(acting=acting)
        self.acts = trusted and acting
        if not self.acts:
            return
        if cut := self._store.leases.shorten():
            _log.warning("leases ended too late and were cut: the clock of Redis was set back", leases=cut)
        for tenant, job_id in self._store.leases.expired():
            self._take(tenant, job_id)
        for _, job_id in self._store.reaping.requeue_orphans():
            self._meters.reaped("queued_again")
            _log.warning("a queued job was in no queue and is queued again", job=job_id)
        for _, job_id in self._store.reaping.move_stranded():
            self._meters.reaped("moved")
            _log.info("a job was moved to an engine that is alive", job=job_id)

    def _take(self, tenant: str, job_id: str) -> None:
        """Move on the job of an attempt that was lost; one that is damaged must not keep the others waiting."""
        try:
            status = self._store.reaping.requeue_lost(tenant, job_id)
        except (ResponseError, LookupError, ValueError, OverflowError) as error:
            _log.warning("the record of a lost job is damaged; the job fails", job=job_id, error=str(error)[:200])
            self._store.reaping.fail_damaged(tenant, job_id, str(error))
            status = Status.FAILED
        if status is not None:
            self._meters.reaped("requeued" if status is Status.QUEUED else status)
            _log.warning("an attempt was lost", job=job_id, job_is_now=status)

    def _watch_clock(self) -> None:
        """Notice that the clock of Redis was set: it has moved by another time than this machine's monotonic clock."""
        seen = time.monotonic(), self._store.now()
        before, self._clocks = self._clocks, seen
        if before is None:
            return
        step = (seen[1] - before[1]) - (seen[0] - before[0])
        if abs(step) > _CLOCK_STEP_SECONDS:
            self._meters.clock_stepped()
            _log.warning("the clock of Redis was set, or this machine slept", step_seconds=round(step, 1))

    def _look_safely(self) -> None:
        try:
            self.look()
        except StoreUnavailable:
            self.acts = False
        except Exception:  # noqa: BLE001 (the next look must come, whatever happens to this one)
            _log.exception("looking for lost attempts failed")

    def _resign(self) -> None:
        try:
            self._store.reaping.resign(self._name)
        except StoreUnavailable:
            _log.info("another reaper acts when this one's turn has run out")
