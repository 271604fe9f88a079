"""The flag that ends an attempt early: set by a signal handler, the lease or the outbox, read by the training."""

from enum import StrEnum

from pippin.store import Control
from worker.engines.engine import Stopped


class Cause(StrEnum):
    """The reasons to stop an attempt."""

    CANCELLED = "cancelled"  # requested by a client
    PAUSED = "paused"  # requested by a client
    TERMINATED = "terminated"  # the worker is shutting down
    TIMED_OUT = "timed_out"  # the job's time is used up
    OUT_OF_MEMORY = "out_of_memory"  # the child exceeds its memory limit
    LEASE_LOST = "lease_lost"  # the attempt no longer holds the job: nothing more may be recorded
    UNRECORDED = "unrecorded"  # the store permanently refuses the attempt's reports


# Store control -> cause, for all controls except CONTINUE.
CAUSES = {Control.CANCEL: Cause.CANCELLED, Control.PAUSE: Cause.PAUSED, Control.TIMEOUT: Cause.TIMED_OUT}


class StopFlag:
    """Whether to stop, and why. The first cause is kept, except that LEASE_LOST replaces every other cause.

    The flag has no lock, because a signal handler sets it, possibly while the interrupted thread reads it.
    """

    def __init__(self) -> None:
        self._cause: Cause | None = None

    @property
    def cause(self) -> Cause | None:
        """Why to stop; None while no stop is requested."""
        return self._cause

    def set(self, cause: Cause) -> None:
        """Request a stop."""
        if self._cause is None or cause is Cause.LEASE_LOST:
            self._cause = cause

    def check(self) -> None:
        """Raise if a stop was requested.

        Raises:
            Stopped: A stop was requested.
        """
        if self._cause is not None:
            raise Stopped
