"""When a worker takes no more jobs: after SIGTERM or SIGINT, and while it is drained."""

import signal
import time
from contextlib import suppress
from types import FrameType

from pippin.api.workers import Drain
from pippin.store import StoreUnavailable
from pippin.store.workers import Workers
from worker.child import Child

# A terminal sends SIGINT to the whole process group, and a supervisor forwards it again: one request, two signals.
_ECHO_SECONDS = 1.0


class Shutdown:
    """Whether this worker is to end, and the child to which it passes the request on."""

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
        """Whether the child must end now: a second signal came, or `grace` seconds have passed."""
        return self._forced or (self._since is not None and time.monotonic() - self._since > grace)

    def watch(self, child: Child | None) -> None:
        """Pass a request to end on to `child`, at once if there was one already; None when no child runs any more."""
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


class Draining:
    """Whether the store has this worker drained; while the store cannot be reached, its last answer."""

    def __init__(self, workers: Workers, name: str, *, every: float = 1) -> None:
        """Prepare; the store is not asked yet.

        Args:
            workers: Where to look.
            name: The worker's whole name.
            every: Seconds between two looks while a job is trained.
        """
        self._workers = workers
        self._name = name
        self._every = every
        self._drain: Drain | None = None
        self._looked = 0.0

    def begun(self) -> bool:
        """Whether to take no more jobs, as the store has it at this moment.

        Called after a job was popped, it takes every drain into account that was recorded before the pop.
        """
        self._look()
        return self._drain is not None

    def wants_back(self) -> bool:
        """Whether to give back the job that is trained. Looks every second or so."""
        if time.monotonic() - self._looked >= self._every:
            self._look()
        return self._drain is Drain.HAND_BACK

    def _look(self) -> None:
        self._looked = time.monotonic()
        with suppress(StoreUnavailable):
            self._drain = self._workers.drain_of(self._name)
