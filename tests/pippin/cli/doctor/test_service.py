"""The doctor's check of the service, over real HTTP."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pippin.cli.doctor.findings import Level
from pippin.cli.doctor.servers import check_service


@pytest.fixture
def answering() -> Iterator[Callable[..., str]]:
    """The address of a server that answers everything with one status and body."""
    servers: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def begin(status: int, body: bytes, kind: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        servers.append((server, thread))
        return f"http://127.0.0.1:{server.server_port}"

    yield begin
    for server, thread in servers:
        server.shutdown()
        thread.join()
        server.server_close()


def test_ready_service_is_ok(running_up: Any) -> None:  # noqa: ANN401 - the fixture's class is not importable
    finding = check_service(running_up.url, named=True)
    assert (finding.level, finding.result) == (Level.OK, f"{running_up.url} is ready")


def test_absent_service_is_a_fault_only_if_named() -> None:
    absent = "http://127.0.0.1:1"
    assert check_service(absent, named=True).level is Level.FAULT
    finding = check_service(absent, named=False)
    assert finding.level is Level.WARNING
    assert "PIPPIN_URL" in finding.advice


def test_unready_service_is_a_fault(answering: Callable[..., str]) -> None:
    problem = b'{"type": "about:blank", "title": "Unavailable", "status": 503, "detail": "Redis cannot be reached"}'
    finding = check_service(answering(503, problem, "application/problem+json"), named=True)
    assert finding.level is Level.FAULT
    assert finding.result.endswith("is not ready: Redis cannot be reached")
    assert "/readyz" in finding.advice


def test_other_server_at_the_address_is_a_fault(answering: Callable[..., str]) -> None:
    finding = check_service(answering(404, b"nothing here", "text/plain"), named=True)
    assert finding.level is Level.FAULT
    assert "is not a Pippin service" in finding.result
