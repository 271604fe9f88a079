"""The switch that ends an attempt early: thrown by a signal, the lease or the clock, read by the training."""

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
    UNRECORDED = "unrecorded"  # the store refuses for ever what the attempt reports


# What the store may want of an attempt, but for going on.
CAUSES = {Control.CANCEL: Cause.CANCELLED, Control.PAUSE: Cause.PAUSED, Control.TIMEOUT: Cause.TIMED_OUT}


class StopFlag:
    """Whether to stop, and why. The first cause stays, except that a lost lease outweighs every other.

    It holds no lock, because a signal handler throws it, perhaps while its own thread is in the middle of a look.
    """

    def __init__(self) -> None:
        self._cause: Cause | None = None

    @property
    def cause(self) -> Cause | None:
        """Why to stop; None while nothing asks for it."""
        return self._cause

    def set(self, cause: Cause) -> None:
        """Ask for a stop."""
        if self._cause is None or cause is Cause.LEASE_LOST:
            self._cause = cause

    def check(self) -> None:
        """Go on, or raise.

        Raises:
            Stopped: A stop has been asked for.
        """
        if self._cause is not None:
            raise Stopped
