"""The lease of an attempt: renewed by a thread while the attempt lasts, and heard for what the store wants of it."""

import threading
import time
from contextvars import copy_context
from typing import Self

import structlog

from pippin.store import Claim, Control, LeaseLost, StoreUnavailable
from pippin.store.attempts import Attempts
from worker.stop import CAUSES, Cause, StopSwitch

_log = structlog.get_logger(__name__)

# A wish is to be heard within two seconds, and the training asks the switch twice a second.
_LOOK_SECONDS = 0.5


class Lease:
    """Keeps the job of `claim` in our hands while the `with` block lasts, and throws the switch when it must end.

    While the store cannot be reached it goes on trying: a late renewal holds as long as nobody has taken the job.
    """

    def __init__(self, attempts: Attempts, claim: Claim, stop: StopSwitch, *, renew_seconds: float) -> None:
        self._attempts = attempts
        self._claim = claim
        self._stop = stop
        self._renew_seconds = renew_seconds
        self._over = threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._keep,), name="lease", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # Not joined: it may hang in a dead connection, and the process is about to end.
        self._over.set()

    def _keep(self) -> None:
        renewed = time.monotonic()  # by the claim
        while not self._over.wait(min(_LOOK_SECONDS, self._renew_seconds)):
            due = time.monotonic() - renewed >= self._renew_seconds
            try:
                control = self._attempts.renew(self._claim) if due else self._attempts.look(self._claim)
            except StoreUnavailable as error:
                _log.warning("the lease cannot be renewed; trying again", error=str(error))
                continue
            except LeaseLost as error:
                if not self._over.is_set():
                    _log.warning("lease lost", error=str(error))
                    self._stop.throw(Cause.LEASE_LOST)
                return
            if due:
                renewed = time.monotonic()
            if control is not Control.CONTINUE:
                self._stop.throw(CAUSES[control])
