"""The flag that ends an attempt early: set by a signal, the lease or the clock, read by the training."""

from enum import StrEnum

from pippin.store import Control
from worker.engines.engine import Stopped


class Cause(StrEnum):
    """Why an attempt is to stop."""

    CANCELLED = "cancelled"  # a client asked for it
    PAUSED = "paused"  # a client asked for that
    TERMINATED = "terminated"  # the worker is to end
    TIMED_OUT = "timed_out"  # the job's time is used up
    OUT_OF_MEMORY = "out_of_memory"  # it holds more memory than it may
    LEASE_LOST = "lease_lost"  # the job has moved on: nothing more may be recorded
    UNRECORDED = "unrecorded"  # the store refuses permanently what the attempt reports


# The cause for each control of the store except CONTINUE.
CAUSES = {Control.CANCEL: Cause.CANCELLED, Control.PAUSE: Cause.PAUSED, Control.TIMEOUT: Cause.TIMED_OUT}


class StopFlag:
    """Whether to stop, and why. The first cause stays, except that a lost lease outweighs every other.

    It holds no lock, because a signal handler sets it, perhaps while its own thread is reading it.
    """

    def __init__(self) -> None:
        self._cause: Cause | None = None

    @property
    def cause(self) -> Cause | None:
        """Why to stop; None while nothing asks for it."""
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
