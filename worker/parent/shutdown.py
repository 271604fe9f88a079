"""What SIGTERM and SIGINT ask of a worker: the first ends its attempt gently, a second one at once."""

import signal
import time
from types import FrameType

from worker.child import Child

# A supervisor forwards the SIGINT that a terminal has sent to the whole group already: the same wish, heard twice.
_ECHO_SECONDS = 1.0


class Shutdown:
    """Whether this worker is to end, and the child that must hear of it."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._forced = False
        self._child: Child | None = None

    def install(self) -> None:
        """Answer SIGTERM and SIGINT from now on."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    @property
    def requested(self) -> bool:
        """Whether the worker is to end."""
        return self._since is not None

    def overdue(self, grace: float) -> bool:
        """Whether patience with the child is over: a second signal came, or `grace` seconds have passed."""
        return self._forced or (self._since is not None and time.monotonic() - self._since > grace)

    def watch(self, child: Child | None) -> None:
        """Pass the wish on to `child`, at once if it was uttered already; None when no child runs any more."""
        self._child = child
        if child is not None and self.requested:
            child.terminate()

    def _on_signal(self, _signum: int, _frame: FrameType | None) -> None:
        now = time.monotonic()
        if self._since is None:
            self._since = now
            if self._child is not None:
                self._child.terminate()
        elif now - self._since > _ECHO_SECONDS:
            self._forced = True
