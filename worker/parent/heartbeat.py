"""The sign of life of a worker, which `/workers` shows."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Literal, Self

import structlog

from pippin.api.workers import WorkerReport
from pippin.store import StoreUnavailable
from pippin.store.workers import Workers
from pippin.system.machine import chip, operating_system
from worker.compute_units import compute_units

_log = structlog.get_logger(__name__)

_BEAT_SECONDS = 5.0


class Heartbeat:
    """A thread that reports this worker to the store while the `with` block lasts, and has it forgotten at the end.

    What the worker does is reported at once when it changes, and every five seconds.
    """

    def __init__(self, workers: Workers, name: str, engine: str) -> None:
        self._workers = workers
        self._report = WorkerReport(
            name=name,
            host=socket.gethostname(),
            os=operating_system(),
            chip=chip(),
            engines=[engine],
            compute_units=compute_units(engine),
            state="starting",
            current_job=None,
            pid=os.getpid(),
            started_at=datetime.now(UTC),
        )
        self._changed = threading.Event()
        self._over = False
        self._beating = threading.Lock()
        self._thread = threading.Thread(target=self._beat_on, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over = True
        self._changed.set()
        self._thread.join()
        with suppress(StoreUnavailable):
            self._workers.remove(self._report.name)

    def tell(self, state: Literal["idle", "busy", "draining", "drained"], current_job: str | None = None) -> None:
        """Say what the worker does now. Does not wait until it is sent."""
        self._report = self._report.model_copy(update={"state": state, "current_job": current_job})
        self._changed.set()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """No beat begins or is under way in here: a fork would copy the locks that it holds, for ever locked."""
        with self._beating:
            yield

    def _beat_on(self) -> None:
        silent = False
        while not self._over:
            self._changed.clear()
            with self._beating:
                try:
                    self._workers.heartbeat(self._report)
                    silent = False
                except StoreUnavailable as error:
                    if not silent:
                        _log.warning("the heartbeat cannot be sent; trying on", error=str(error))
                    silent = True
            self._changed.wait(_BEAT_SECONDS)
