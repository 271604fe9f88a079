"""Whether this worker is to take no more jobs. It stays up then: a supervisor would only start it again."""

import time
from contextlib import suppress

from pippin.api.workers import Drain
from pippin.store import StoreUnavailable
from pippin.store.workers import Workers


class Draining:
    """What the store says of draining this worker; while it cannot be reached, what it said last."""

    def __init__(self, workers: Workers, name: str, *, every: float = 1) -> None:
        """Nothing is asked yet.

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

        Asked after a job was popped, it is right about every drain that had been told before the pop.
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
