"""The parent's side of an attempt: it waits for the child, and ends it when patience is over."""

import signal
from dataclasses import dataclass

from worker.child import Child
from worker.shutdown import Shutdown

_LOOK_SECONDS = 0.25


@dataclass(frozen=True)
class Ending:
    """How a child ended.

    Attributes:
        code: Its exit code, or the negated number of the signal that killed it.
        ended_by_us: Whether the parent killed it because the worker had to end.
    """

    code: int
    ended_by_us: bool

    @property
    def signal_name(self) -> str | None:
        """The signal that killed it, as `SIGKILL`; None if it exited."""
        return signal.Signals(-self.code).name if self.code < 0 else None


def supervise(child: Child, shutdown: Shutdown, grace: float) -> Ending:
    """Wait for `child` to end; kill it once the worker is to end and the child has not done so within `grace`."""
    killed = False
    shutdown.watch(child)
    try:
        while (code := child.wait(_LOOK_SECONDS)) is None:
            if shutdown.overdue(grace) and not killed:
                child.kill()
                killed = True
    finally:
        shutdown.watch(None)
    return Ending(code, ended_by_us=killed)
