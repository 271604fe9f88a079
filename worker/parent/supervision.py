"""The parent's side of an attempt: it waits for the child, kills it when its time is over, and records its end."""

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
# A cancelled training has no result that is worth waiting for.
_CANCEL_SECONDS = 5.0
# How a process ends that was refused memory: an abort out of C++, or a write through a null pointer.
_SIGNS_OF_NO_MEMORY = {"SIGABRT", "SIGSEGV", "SIGBUS"}


@dataclass(frozen=True)
class Ending:
    """How a child ended.

    Attributes:
        code: Its exit code, or the negated number of the signal that killed it.
        killed_for: Why the parent killed it; None when it ended by itself or another process killed it.
    """

    code: int
    killed_for: Cause | None = None

    @property
    def signal_name(self) -> str | None:
        """The signal that killed it, as `SIGKILL`; None if it exited."""
        return signal.Signals(-self.code).name if self.code < 0 else None


class Overseer:
    """Checks in the store whether a child should have stopped: a child that hangs or is frozen does not notice it.

    While the store cannot be reached, no time counts against the child.
    """

    def __init__(
        self,
        attempts: Attempts,
        claim: Claim,
        grace: float,
        *,
        wants_back: Callable[[], bool] = lambda: False,
        every: float = 1,
    ) -> None:
        """Prepare; the store is not asked yet.

        Args:
            attempts: Where to look.
            claim: The attempt's.
            grace: How long a child that should stop may take, in seconds.
            wants_back: Whether this worker is to give the job back and live on.
            every: Seconds between two looks.
        """
        self._attempts = attempts
        self._claim = claim
        self._grace = grace
        self._wants_back = wants_back
        self._every = every
        self._looked = time.monotonic()
        self._cause: Cause | None = None
        self._since = 0.0

    @property
    def hands_back(self) -> bool:
        """Whether the parent is to signal the child to hand its job back; the child cannot read that from the store."""
        return self._cause is Cause.TERMINATED

    def overdue(self) -> Cause | None:
        """Why the child should have stopped, once its time to do so is over. Asks the store every second or so."""
        now = time.monotonic()
        if now - self._looked < self._every:
            return None
        self._looked = now
        cause = self._wanted()
        if cause is not self._cause:
            self._cause, self._since = cause, now
        grace = min(self._grace, _CANCEL_SECONDS) if cause is Cause.CANCELLED else self._grace
        return cause if now - self._since > grace else None

    def _wanted(self) -> Cause | None:
        try:
            control = self._attempts.look(self._claim)
        except LeaseLost:
            return Cause.LEASE_LOST  # or it has not claimed the job yet, which takes less time
        except StoreUnavailable:
            return None
        if control is not Control.CONTINUE:
            return CAUSES[control]
        return Cause.TERMINATED if self._wants_back() else None


def supervise(child: Child, shutdown: Shutdown, grace: float, overseer: Overseer, memory: MemoryWatch) -> Ending:
    """Wait for `child` to end; kill it once it should have ended and has not.

    Args:
        child: The child.
        shutdown: Whether the worker is to end.
        grace: How long the child has then, in seconds.
        overseer: Whether the store wants the child to end.
        memory: Whether it holds too much.
    """
    killed_for: Cause | None = None
    signalled = False
    shutdown.watch(child)
    try:
        while (code := child.wait(_WAIT_SECONDS)) is None:
            if killed_for is None:
                killed_for = _overdue(shutdown, grace, overseer, memory)
                if killed_for is not None:
                    child.kill()
                elif overseer.hands_back and not signalled:
                    child.terminate()
                    signalled = True
    finally:
        shutdown.watch(None)
    return Ending(code, killed_for)


def _overdue(shutdown: Shutdown, grace: float, overseer: Overseer, memory: MemoryWatch) -> Cause | None:
    if shutdown.overdue(grace):
        return Cause.TERMINATED
    return Cause.OUT_OF_MEMORY if memory.exceeded() else overseer.overdue()


def settle(store: Store, claim: Claim, ending: Ending, *, memory_limit: int | None = None) -> None:
    """Record the end of an attempt whose child may not have recorded it.

    Nothing changes where the child recorded the end itself: the attempt no longer holds the job.

    Args:
        store: Where to record it.
        claim: The attempt's.
        ending: How the child ended.
        memory_limit: The limit that it had to keep to, in bytes.

    Raises:
        StoreUnavailable: The store cannot be reached. The lease runs out then, and the reaper takes over.
    """
    if ending.killed_for is not None:
        settle_stopped(store, claim, ending.killed_for, memory_limit=memory_limit)
    elif ending.code != 0:
        store.reaping.report_lost(claim, _loss(ending, memory_limit))


def _loss(ending: Ending, memory_limit: int | None) -> Failure:
    if ending.signal_name is None:
        detail = f"The training process ended with exit code {ending.code}; the worker's log has the reason."
        return Failure(code=Reason.WORKER_LOST, detail=detail)
    if memory_limit is not None and ending.signal_name in _SIGNS_OF_NO_MEMORY:
        detail = (
            f"The training process ended by {ending.signal_name}, as it does when it may not allocate more than "
            f"{memory_limit} bytes."
        )
        return Failure(code=Reason.OUT_OF_MEMORY, detail=detail)
    detail = f"The training process was ended by {ending.signal_name}"
    hint = "; the machine may have run out of memory." if ending.signal_name == "SIGKILL" else "."
    return Failure(code=Reason.WORKER_LOST, detail=detail + hint)
