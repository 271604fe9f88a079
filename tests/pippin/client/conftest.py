"""A small real HTTP server with scripted answers, which can also break the connection."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pippin.client import AsyncClient, Client


@dataclass
class Seen:
    """A request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """An answer of the server.

    Attributes:
        cut: Close the connection after the body, although the headers promised more.
    """

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False


class Scripted:
    """A server whose answers are a function of the request and the number of earlier requests."""

    def __init__(self, answer: Callable[[Seen, int], Answer | None]) -> None:
        self.seen: list[Seen] = []
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                request = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                with lock:
                    count = len(scripted.seen)
                    scripted.seen.append(request)
                reply = answer(request, count)
                self.close_connection = reply is None or reply.cut
                if reply is None:
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status != 204:
                    self.send_header("content-length", str(len(reply.body) + (1 if reply.cut else 0)))
                self.end_headers()
                self.wfile.write(reply.body)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        scripted = self
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[Seen, int], Answer | None]], Scripted]]:
    """Starts a server; None as an answer closes the connection without one."""
    servers: list[Scripted] = []

    def start(answer: Callable[[Seen, int], Answer | None]) -> Scripted:
        servers.append(Scripted(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def answer() -> type[Answer]:
    return Answer


@pytest.fixture
def job_document() -> dict[str, object]:
    """A queued job as the service shows it."""
    moment = "2026-11-23T10:00:00Z"
    return {
        "id": "job_1",
        "name": None,
        "status": "queued",
        "reason": None,
        "engine": None,
        "labels": {},
        "request": {
            "name": None,
            "model": {"preset": "mnist-cnn", "spec": None},
            "dataset": {
                "id": "ds_1",
                "name": "mnist-sample",
                "digest": "sha256:" + "0" * 64,
                "train": "train",
                "validation": "test",
                "validation_fraction": None,
                "bind": {"image": "image", "output_true": "output_true"},
            },
            "hyperparameters": {"epochs": 2, "mini_batch_size": 8, "learning_rate": 0.1, "shuffle": True, "seed": 7},
            "limits": "enforce",
            "widened": [],
            "engine": "auto",
            "compute_units": "all",
            "report": "epoch",
            "max_attempts": 3,
            "timeout_seconds": None,
            "labels": {},
        },
        "created_at": moment,
        "started_at": None,
        "finished_at": None,
        "retry_of": None,
        "progress": {"epoch": 0, "epochs": 2},
        "latest_metrics": None,
        "waiting_for": None,
        "attempts": [],
        "transitions": [{"from": None, "to": "queued", "at": moment}],
        "artifacts": [],
    }


@pytest.fixture(params=["sync", "async"])
def ask(request: pytest.FixtureRequest) -> Callable[..., Any]:
    """Calls a method of the client, once for each of the two: `ask(url, "jobs", limit=3)` lists what iterates."""

    def with_client(url: str, method: str, *args: object, **options: object) -> object:
        with Client(url, patience=0.5, follow_patience=5) as client:
            found = getattr(client, method)(*args, **options)
            return list(found) if isinstance(found, Iterator) else found

    async def with_async_client(url: str, method: str, *args: object, **options: object) -> object:
        async with AsyncClient(url, patience=0.5, follow_patience=5) as client:
            found = getattr(client, method)(*args, **options)
            return [each async for each in found] if isinstance(found, AsyncIterator) else await found

    def run(url: str, method: str, *args: object, **options: object) -> object:
        return asyncio.run(with_async_client(url, method, *args, **options))

    return with_client if request.param == "sync" else run
