"""Requeues jobs whose worker no longer renews its lease, and queued jobs that no worker would claim."""

import secrets
import time

import structlog
from redis.exceptions import ResponseError

from pippin.api.states import Status
from pippin.store import Store, StoreUnavailable
from pippin.system.background import every
from service.background.threads import run_in_background
from service.telemetry.meters import Meters

_log = structlog.stdlib.get_logger(__name__)

# A check may exceed its interval by this much before another reaper takes over.
_SLACK_SECONDS = 2.0
# An answer of Redis may take this long; smaller steps of the clock do no harm.
_CLOCK_STEP_SECONDS = 2.0


class Reaper:
    """Checks the leases every few seconds. Of several services only one acts, and only while the leases are reliable.

    After an outage of Redis every lease looks expired although the workers are alive. Therefore no job is requeued
    before Redis has been reachable without a gap for `grace` seconds, in which every living worker renews its lease. A
    gap in which no lease can expire does not count, whether Redis or every service was away.

    Attributes:
        acts: Whether this reaper was the leader at its last check.
    """

    def __init__(
        self, store: Store, *, interval: float, grace: float, gap: float, meters: Meters | None = None
    ) -> None:
        """Create a reaper that has not checked yet.

        Args:
            store: Holds the leases.
            interval: Seconds from one check to the next; at most half of `gap`, since no outage between two checks is
                noticed.
            grace: How many seconds Redis must have been reachable before a job is requeued.
            gap: After this many seconds in which no service reached Redis, `grace` starts again.
            meters: Counts the actions.
        """
        self._store = store
        self._interval = min(interval, gap / 2)
        self._turn = self._interval + _SLACK_SECONDS
        self._grace = grace
        self._gap = gap
        self._meters = meters or Meters()
        self._name = secrets.token_hex(8)
        self.acts = False
        # Seconds by the monotonic clock of this machine and by the clock of Redis.
        self._clocks: tuple[float, float] | None = None

    async def run(self) -> None:
        """Check regularly, until cancelled."""
        try:
            await every(
                self._interval,
                lambda: run_in_background(self._run_if_reachable),
                failure="checking for lost attempts failed",
            )
        finally:
            await run_in_background(self._resign)

    def run_once(self) -> None:
        """Check once.

        Raises:
            StoreUnavailable: Redis cannot be reached.
        """
        self._store.scripts.load()
        self._watch_clock()
        trusted = self._store.reaping.reached(self._gap) >= self._grace
        leads = self._store.reaping.acquire_leadership(self._name, self._turn)
        self._meters.reaper_checked(acting=leads)
        self.acts = trusted and leads
        if not self.acts:
            return
        if cut := self._store.leases.shorten():
            _log.warning("shortened leases that ended too late: the clock of Redis was set back", leases=cut)
        for tenant, job_id in self._store.leases.expired():
            self._take(tenant, job_id)
        for _, job_id in self._store.reaping.requeue_orphans():
            self._meters.reaped("queued_again")
            _log.warning("queued a job again that was missing from its queue", job=job_id)
        for _, job_id in self._store.reaping.move_stranded():
            self._meters.reaped("moved")
            _log.info("moved a job to the queue of a live engine", job=job_id)

    def _take(self, tenant: str, job_id: str) -> None:
        """Requeue or end the job of a lost attempt. A damaged record fails its job and does not stop the others."""
        try:
            status = self._store.reaping.requeue_lost(tenant, job_id)
        except (ResponseError, LookupError, ValueError, OverflowError) as error:
            _log.warning("the record of a lost job is damaged; failing the job", job=job_id, error=str(error)[:200])
            self._store.reaping.fail_damaged(tenant, job_id, str(error))
            status = Status.FAILED
        if status is not None:
            self._meters.reaped("requeued" if status is Status.QUEUED else status)
            _log.warning("an attempt was lost", job=job_id, job_is_now=status)

    def _watch_clock(self) -> None:
        """Report a step of the clock of Redis: it has advanced by another time than the monotonic clock here."""
        seen = time.monotonic(), self._store.now()
        before, self._clocks = self._clocks, seen
        if before is None:
            return
        step = (seen[1] - before[1]) - (seen[0] - before[0])
        if abs(step) > _CLOCK_STEP_SECONDS:
            self._meters.clock_stepped()
            _log.warning("the clock of Redis was set, or this machine slept", step_seconds=round(step, 1))

    def _run_if_reachable(self) -> None:
        try:
            self.run_once()
        except StoreUnavailable:
            self.acts = False

    def _resign(self) -> None:
        try:
            self._store.reaping.resign(self._name)
        except StoreUnavailable:
            _log.info("the reaper's turn could not be given up; another reaper takes over when it expires")
