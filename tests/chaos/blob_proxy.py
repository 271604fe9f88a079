"""An HTTP proxy before a service's `/blobs` that fails a share of the calls, each in a random way."""

import http.client
import random
import threading
import time
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

# How a call fails: a 503; a connection closed before the call reaches the service; a connection closed in the middle of
# the response, after the service has completed the call; no response until the caller times out.
WAYS = ("503", "cut before", "cut after", "silence")
_SILENCE_SECONDS = 2.0


class BlobProxy(ThreadingHTTPServer):
    """The proxy, on a free port of the loopback interface while its `with` block lasts.

    Attributes:
        service: The service's port, on this machine.
        calls: Number of calls.
        failed: Number of failed calls by kind of failure.
    """

    daemon_threads = True

    def __init__(self, service: int, *, share: float, seed: int) -> None:
        """Listen; `share` of the calls will fail, and `seed` decides which, and how."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.service = service
        self.calls = 0
        self.failed: Counter[str] = Counter()
        self._share = share
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), name="blob-proxy")

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()

    def way_to_fail(self) -> str | None:
        """How the next call is to fail; None if it is to be passed on."""
        with self._lock:
            self.calls += 1
            if self._random.random() >= self._share:
                return None
            way = self._random.choice(WAYS)
            self.failed[way] += 1
            return way


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: BlobProxy

    def do_GET(self) -> None:
        self.close_connection = True
        # If the service or the worker was killed, the other side sees a closed connection.
        with suppress(OSError, http.client.HTTPException):
            self._pass_on(self.server.way_to_fail())

    do_HEAD = do_PUT = do_GET  # noqa: N815 - the names are http.server's

    def log_message(self, *_: object) -> None:
        pass

    def _pass_on(self, way: str | None) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        if way == "503":
            self.send_error(503)
            return
        if way == "silence":
            time.sleep(_SILENCE_SECONDS)
        if way in {"silence", "cut before"}:
            return
        service = http.client.HTTPConnection("127.0.0.1", self.server.service, timeout=30)
        try:
            headers = {name.lower(): value for name, value in self.headers.items()}
            headers |= {"host": f"127.0.0.1:{self.server.service}", "connection": "close"}
            service.request(self.command, self.path, body=body or None, headers=headers)
            answer = service.getresponse()
            content = answer.read()
        finally:
            service.close()
        if way == "cut after" and not content:
            return
        self.send_response_only(answer.status, answer.reason)
        for name, value in answer.getheaders():
            if name.lower() not in {"connection", "transfer-encoding"}:
                self.send_header(name, value)
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if way == "cut after" else content)
