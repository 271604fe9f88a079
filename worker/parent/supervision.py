"""Supervision of an attempt by the parent: waits for the child, kills it when it is overdue, and records its end."""

import signal
import time
from collections.abc import Callable
from dataclasses import dataclass

from pippin.api.jobs import Failure
from pippin.api.states import Reason
from pippin.store import Claim, Control, LeaseLost, Store, StoreUnavailable
from pippin.store.attempts import Attempts
from worker.child import Child
from worker.memory import MemoryWatch
from worker.parent.shutdown import Shutdown
from worker.settlement import settle_stopped
from worker.stop import CAUSES, Cause

_WAIT_SECONDS = 0.25
# Shorter grace after a cancellation: a cancelled training has no result to save.
_CANCEL_SECONDS = 5.0
# A failed allocation ends a process by an abort in C++ or a write through a null pointer.
_OUT_OF_MEMORY_SIGNALS = {"SIGABRT", "SIGSEGV", "SIGBUS"}


@dataclass(frozen=True)
class ChildExit:
    """How a child ended.

    Attributes:
        code: The exit code, or the negated number of the signal that killed the child.
        killed_for: Why the parent killed the child; None when the parent did not.
    """

    code: int
    killed_for: Cause | None = None

    @property
    def signal_name(self) -> str | None:
        """The name of the signal that killed the child, such as `SIGKILL`; None if the child exited."""
        return signal.Signals(-self.code).name if self.code < 0 else None


class StopMonitor:
    """Checks in the store whether a child should have stopped: a child that hangs or is frozen does not check itself.

    Time during which the store cannot be reached does not count against the child.
    """

    def __init__(
        self,
        attempts: Attempts,
        claim: Claim,
        grace: float,
        *,
        must_hand_back: Callable[[], bool] = lambda: False,
        every: float = 1,
    ) -> None:
        """Initialize; the store is not queried yet.

        Args:
            attempts: The store's attempts.
            claim: The attempt's claim.
            grace: Maximum number of seconds that a child may take to stop.
            must_hand_back: Whether this worker is to hand the job back and keep running.
            every: Seconds between two queries.
        """
        self._attempts = attempts
        self._claim = claim
        self._grace = grace
        self._must_hand_back = must_hand_back
        self._every = every
        self._queried_at = time.monotonic()
        self._cause: Cause | None = None
        self._since = 0.0

    @property
    def must_hand_back(self) -> bool:
        """Whether the parent must signal the child to hand its job back; the child does not read drains."""
        return self._cause is Cause.TERMINATED

    def overdue(self) -> Cause | None:
        """Why the child should have stopped, once its grace has passed. Queries the store about once per second."""
        now = time.monotonic()
        if now - self._queried_at < self._every:
            return None
        self._queried_at = now
        cause = self._stop_cause()
        if cause is not self._cause:
            self._cause, self._since = cause, now
        grace = min(self._grace, _CANCEL_SECONDS) if cause is Cause.CANCELLED else self._grace
        return cause if now - self._since > grace else None

    def _stop_cause(self) -> Cause | None:
        try:
            control = self._attempts.read_control(self._claim)
        except LeaseLost:
            return Cause.LEASE_LOST  # or the child has not claimed the job yet, which takes less time than the grace
        except StoreUnavailable:
            return None
        if control is not Control.CONTINUE:
            return CAUSES[control]
        return Cause.TERMINATED if self._must_hand_back() else None


def supervise(
    child: Child, shutdown: Shutdown, grace: float, stop_monitor: StopMonitor, memory: MemoryWatch
) -> ChildExit:
    """Wait until `child` ends; kill the child when it is overdue.

    Args:
        child: The child.
        shutdown: The request to end the worker.
        grace: Seconds that the child has to end after such a request.
        stop_monitor: Checks whether the child must stop according to the store.
        memory: Checks the child's memory.
    """
    killed_for: Cause | None = None
    signalled = False
    shutdown.watch(child)
    try:
        while (code := child.wait(_WAIT_SECONDS)) is None:
            if killed_for is None:
                killed_for = _overdue(shutdown, grace, stop_monitor, memory)
                if killed_for is not None:
                    child.kill()
                elif stop_monitor.must_hand_back and not signalled:
                    child.terminate()
                    signalled = True
    finally:
        shutdown.watch(None)
    return ChildExit(code, killed_for)


def _overdue(shutdown: Shutdown, grace: float, stop_monitor: StopMonitor, memory: MemoryWatch) -> Cause | None:
    if shutdown.overdue(grace):
        return Cause.TERMINATED
    return Cause.OUT_OF_MEMORY if memory.exceeded() else stop_monitor.overdue()


def settle(store: Store, claim: Claim, ending: ChildExit, *, memory_limit: int | None = None) -> None:
    """Record the end of an attempt whose child may not have recorded it.

    If the child has recorded the end, nothing changes: the attempt no longer holds the job.

    Args:
        store: The store that holds the job.
        claim: The attempt's claim.
        ending: How the child ended.
        memory_limit: The memory limit of the child, in bytes.

    Raises:
        StoreUnavailable: The store cannot be reached. The lease then expires, and the reaper records the end.
    """
    if ending.killed_for is not None:
        settle_stopped(store, claim, ending.killed_for, memory_limit=memory_limit)
    elif ending.code != 0:
        store.reaping.report_lost(claim, _failure_of(ending, memory_limit))


def _failure_of(ending: ChildExit, memory_limit: int | None) -> Failure:
    if ending.signal_name is None:
        detail = f"The training process ended with exit code {ending.code}; the worker's log has the reason."
        return Failure(code=Reason.WORKER_LOST, detail=detail)
    if memory_limit is not None and ending.signal_name in _OUT_OF_MEMORY_SIGNALS:
        detail = (
            f"The training process ended by {ending.signal_name}, which happens when it cannot allocate more than "
            f"{memory_limit} bytes."
        )
        return Failure(code=Reason.OUT_OF_MEMORY, detail=detail)
    detail = f"The training process was ended by {ending.signal_name}"
    hint = "; the machine may have run out of memory." if ending.signal_name == "SIGKILL" else "."
    return Failure(code=Reason.WORKER_LOST, detail=detail + hint)
