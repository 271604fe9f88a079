"""Files, HTTP servers, and the settings of a bucket."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ABSENT = "sha256:" + "0" * 64


class Handler(BaseHTTPRequestHandler):
    """Answers without a line on stderr for each request."""

    def answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def serving(server: HTTPServer) -> Iterator[str]:
    """The address of the server, which answers in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    with server:
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file with the test module's CONTENT."""
    path = tmp_path / "source"
    path.write_bytes(request.module.CONTENT)
    return path


@pytest.fixture
def bucket_settings(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets the variables with which a bucket at this address is reached."""

    def set_variables(url: str) -> None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            monkeypatch.setenv(name, "secret")
        monkeypatch.setenv("AWS_REGION", "us-east-1")

    return set_variables
