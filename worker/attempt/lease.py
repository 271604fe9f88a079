"""The lease of an attempt: a thread renews it during the attempt, and reads whether the store requests a stop."""

import time
from typing import Self

import structlog

from pippin.store import Claim, Control, LeaseLost, StoreUnavailable
from pippin.store.attempts import Attempts
from pippin.system.background import PeriodicThread
from worker.stop import CAUSES, Cause, StopFlag

_log = structlog.get_logger(__name__)

# Cancel and pause must take effect within 2 s, and the training checks the stop flag twice a second.
_POLL_SECONDS = 0.5


class Lease:
    """Renews the attempt's lease on its job during the `with` block, and sets the stop flag when the attempt must end.

    While the store cannot be reached the thread keeps retrying: a late renewal is valid as long as no other attempt
    has claimed the job.
    """

    def __init__(self, attempts: Attempts, claim: Claim, stop: StopFlag, *, renew_seconds: float) -> None:
        self._attempts = attempts
        self._claim = claim
        self._stop = stop
        self._renew_seconds = renew_seconds
        self._renewed = time.monotonic()  # the claim starts the lease
        # Not joined: the thread may hang in a dead connection, and the process is about to end.
        seconds = min(_POLL_SECONDS, renew_seconds)
        self._thread = PeriodicThread("lease", seconds, self._poll, wait_first=True, join=False)

    def __enter__(self) -> Self:
        self._thread.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.__exit__(*exception)

    def _poll(self) -> None:
        due = time.monotonic() - self._renewed >= self._renew_seconds
        try:
            control = self._attempts.renew(self._claim) if due else self._attempts.read_control(self._claim)
        except StoreUnavailable as error:
            _log.warning("the lease cannot be renewed; retrying", error=str(error))
            return
        except LeaseLost as error:
            if not self._thread.stopped:
                _log.warning("lease lost", error=str(error))
                self._stop.set(Cause.LEASE_LOST)
                self._thread.stop()
            return
        if due:
            self._renewed = time.monotonic()
        if control is not Control.CONTINUE:
            self._stop.set(CAUSES[control])
