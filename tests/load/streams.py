"""Many clients of one job's stream: received events, their delay, and the service's memory."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx2

from pippin.api.metrics import BatchLosses
from pippin.store import Store, connect
from tests.support.claimed_job import claimed_job
from tests.support.records import epoch_metrics
from tests.support.service_process import ServiceProcess

# More than the socket buffers hold.
_LARGE = [0.123456789] * 5_000
_LARGE_EVENTS = 100


@dataclass(frozen=True)
class Shape:
    """Size of the load.

    Attributes:
        clients: Number of clients that read.
        frozen: Number of further clients that stop reading, on another job with large events.
        epochs: Number of events for each reading client.
        pause: Seconds between two events.
    """

    clients: int
    frozen: int
    epochs: int
    pause: float


@dataclass
class Figures:
    """The measurements.

    Attributes:
        missing: Events that a client did not receive.
        repeats: Events that a client received twice.
        delays: Seconds from before the write to the receipt, of every event at every client.
        resident: The service's memory over time, in bytes, from before the first client on.
        connections_left: Number of frozen clients' connections that the service still held at the end.
    """

    missing: int = 0
    repeats: int = 0
    delays: list[float] = field(default_factory=list)
    resident: list[int] = field(default_factory=list)
    connections_left: int = 0


class SyntheticAttempt:
    """An attempt that trains nothing and writes the same records as a worker."""

    def __init__(self, store: Store, http: httpx2.Client, epochs: int) -> None:
        self._store, self._epochs = store, epochs
        self._claim = claimed_job(store, http, epochs)
        self.job_id = self._claim.job_id
        store.attempts.running(self._claim)

    def epoch(self, number: int, batch_losses: list[float] | None = None) -> float:
        """Record an epoch; the time before the write."""
        metrics = epoch_metrics(number, epochs=self._epochs, time=datetime.now(UTC))
        began = time.monotonic()
        self._store.attempts.epoch(
            self._claim, metrics, None if batch_losses is None else BatchLosses(batch_losses, 1, len(batch_losses))
        )
        return began

    def end(self) -> None:
        self._store.jobs.cancel(self._claim.tenant, self.job_id)
        self._store.attempts.cancelled(self._claim)


def measure(service: ServiceProcess, shape: Shape) -> Figures:
    """Put this load on a service that has already stored its packaged dataset."""
    figures = Figures(resident=[service.resident_bytes])
    with ExitStack() as stack:
        store = Store(connect(service.valkey.url), lease_seconds=600)
        stack.callback(store.close)
        http = stack.enter_context(httpx2.Client(base_url=service.url, timeout=60))
        job, noisy = (SyntheticAttempt(store, http, epochs) for epochs in (shape.epochs, _LARGE_EVENTS))
        clients = stack.enter_context(_clients(service.url, f"/jobs/{job.job_id}/metrics", shape))
        figures.resident.append(service.resident_bytes)
        open_before = service.open_files
        for _ in range(shape.frozen):
            stack.enter_context(_frozen(service.url, f"/jobs/{noisy.job_id}/metrics?batches=true"))
        _wait_for(lambda: service.open_files >= open_before + shape.frozen)
        written = _write(service, job, noisy, shape, figures)
        _wait_for(lambda: service.open_files <= open_before, seconds=60)
        figures.resident.append(service.resident_bytes)
        figures.connections_left = max(0, service.open_files - open_before)
        job.end()
        noisy.end()
        received = json.loads(clients.communicate(timeout=60)[0])
    figures.repeats = received["repeats"]
    for arrivals in received["arrivals"]:
        figures.missing += sum(at == 0 for at in arrivals)
        figures.delays += [at - wrote for at, wrote in zip(arrivals, written, strict=True) if at]
    return figures


def _write(
    service: ServiceProcess, job: SyntheticAttempt, noisy: SyntheticAttempt, shape: Shape, figures: Figures
) -> list[float]:
    """Write every event at its time; the large events are among the first."""
    written = []
    began = time.monotonic()
    for number in range(1, shape.epochs + 1):
        written.append(job.epoch(number))
        if shape.frozen and number <= _LARGE_EVENTS:
            noisy.epoch(number, _LARGE)
        if number % max(1, shape.epochs // 20) == 0:
            figures.resident.append(service.resident_bytes)
        time.sleep(max(0.0, began + number * shape.pause - time.monotonic()))
    return written


@contextmanager
def _clients(url: str, path: str, shape: Shape) -> Iterator["subprocess.Popen[str]"]:
    """The process of the clients, once all are connected."""
    address = urlsplit(url)
    task: dict[str, Any] = {
        "host": address.hostname,
        "port": address.port,
        "path": path,
        "count": shape.clients,
        "epochs": shape.epochs,
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.load.clients"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(task) + "\n")
        process.stdin.flush()
        assert process.stdout.readline() == "connected\n"
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def _frozen(url: str, path: str) -> Iterator[None]:
    """A client that sends a request and never reads."""
    address = urlsplit(url)
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect((address.hostname, address.port))
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n".encode())
        yield


def _wait_for(condition: Callable[[], bool], *, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
