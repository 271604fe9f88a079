"""Shutdown by SIGTERM or SIGINT, and draining by the store: both stop a worker from taking jobs."""

import signal
import time
from contextlib import suppress
from types import FrameType

from pippin.api.workers import Drain
from pippin.store import StoreUnavailable
from pippin.store.workers import Workers
from worker.child import Child

# A terminal sends SIGINT to the whole process group, and a supervisor forwards it again: two signals per request.
_ECHO_SECONDS = 1.0


class Shutdown:
    """The request to end this worker, and the child to which the request is forwarded."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._forced = False
        self._child: Child | None = None

    def install(self) -> None:
        """Install the handlers of SIGTERM and SIGINT."""
        signal.signal(signal.SIGTERM, self._on_signal)
        signal.signal(signal.SIGINT, self._on_signal)

    @property
    def requested(self) -> bool:
        """Whether a shutdown is requested."""
        return self._since is not None

    def overdue(self, grace: float) -> bool:
        """Whether the child must end now: a second signal came, or `grace` seconds have passed."""
        return self._forced or (self._since is not None and time.monotonic() - self._since > grace)

    def watch(self, child: Child | None) -> None:
        """Forward a request to end to `child`, at once if there is one already; None when no child runs."""
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
    """Whether this worker is drained according to the store; the last known state while the store cannot be reached."""

    def __init__(self, workers: Workers, name: str, *, every: float = 1) -> None:
        """Initialize; the store is not queried yet.

        Args:
            workers: The store's workers.
            name: The worker's full name, including the random suffix.
            every: Seconds between two queries while a job is trained.
        """
        self._workers = workers
        self._name = name
        self._every = every
        self._drain: Drain | None = None
        self._queried_at = 0.0

    def begun(self) -> bool:
        """Query the store: whether the worker must take no more jobs.

        A call after the pop of a job includes every drain that was recorded before the pop.
        """
        self._query()
        return self._drain is not None

    def must_hand_back(self) -> bool:
        """Whether to hand back the job that is trained. Queries the store about once per second."""
        if time.monotonic() - self._queried_at >= self._every:
            self._query()
        return self._drain is Drain.HAND_BACK

    def _query(self) -> None:
        self._queried_at = time.monotonic()
        with suppress(StoreUnavailable):
            self._drain = self._workers.drain_of(self._name)
