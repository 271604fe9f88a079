"""The heartbeat of a worker, the source of `/workers`."""

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
from pippin.system.background import PeriodicThread
from pippin.system.machine import chip, operating_system
from worker.compute_units import compute_units

_log = structlog.get_logger(__name__)

_BEAT_SECONDS = 5.0


class Heartbeat:
    """A thread that reports this worker to the store during the `with` block, and removes the worker at its end.

    The state is reported at once when it changes, and every five seconds.
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
        self._send_lock = threading.Lock()
        self._failing = False
        self._thread = PeriodicThread("heartbeat", _BEAT_SECONDS, self._beat)

    def __enter__(self) -> Self:
        self._thread.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        self._thread.__exit__(*exception)
        with suppress(StoreUnavailable):
            self._workers.remove(self._report.name)

    def report_state(
        self, state: Literal["idle", "busy", "draining", "drained"], current_job: str | None = None
    ) -> None:
        """Change the reported state. Does not wait until the report is sent."""
        self._report = self._report.model_copy(update={"state": state, "current_job": current_job})
        self._thread.wake()

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Suspend heartbeats during the block: a fork during a heartbeat copies locks that stay locked in the child."""
        with self._send_lock:
            yield

    def _beat(self) -> None:
        with self._send_lock:
            try:
                self._workers.heartbeat(self._report)
                self._failing = False
            except StoreUnavailable as error:
                if not self._failing:
                    _log.warning("the heartbeat cannot be sent; retrying", error=str(error))
                self._failing = True
