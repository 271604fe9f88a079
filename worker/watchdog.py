"""Ends a training that does not hear the switch: one that compiles for minutes, or hangs in a foreign library."""

import os
import threading
import time
from contextvars import copy_context
from typing import Self

import structlog

from worker.stop import Cause, StopSwitch

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.5
PATIENCE_SECONDS = 30.0

# The exit codes by which the parent knows why, and settles the attempt in the child's stead.
EXIT_CODES = {cause: code for code, cause in enumerate(Cause, start=81)}


class Watchdog:
    """Exits the process when a stop was asked for and the `with` block has not ended `patience` seconds later."""

    def __init__(self, stop: StopSwitch, patience: float = PATIENCE_SECONDS) -> None:
        self._stop = stop
        self._patience = patience
        self._over = threading.Event()
        self._thread = threading.Thread(target=copy_context().run, args=(self._watch,), name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _watch(self) -> None:
        since: float | None = None
        while not self._over.wait(_LOOK_SECONDS):
            if self._stop.cause is None:
                continue
            since = time.monotonic() if since is None else since
            if time.monotonic() - since > self._patience:
                _log.error("the training did not stop when asked; ending its process", cause=self._stop.cause)
                os._exit(EXIT_CODES[self._stop.cause])
