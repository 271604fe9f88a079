"""A small real HTTP server with scripted answers, which can also break the connection."""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


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
        content: The body: bytes, or a document to send as JSON.
        cut: Close the connection after the body, although the headers promised more.
    """

    status: int = 200
    content: object = b""
    headers: dict[str, str] = field(default_factory=dict)
    cut: bool = False

    @property
    def body(self) -> bytes:
        """The bytes to send."""
        return self.content if isinstance(self.content, bytes) else json.dumps(self.content).encode()


# None closes the connection without an answer. A function gets the request and the number of earlier requests.
Reply = Answer | None | Callable[[Seen, int], Answer | None]


class ScriptedServer:
    """Gives the n-th request the n-th reply, and later requests the last one. Use it as a context manager.

    Attributes:
        seen: The requests so far.
        url: The address of the server.
    """

    def __init__(self, *replies: Reply) -> None:
        self.seen: list[Seen] = []
        lock = threading.Lock()
        scripted = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                request = Seen(self.command, self.path, {k.lower(): v for k, v in self.headers.items()}, body)
                with lock:
                    count = len(scripted.seen)
                    scripted.seen.append(request)
                reply = replies[min(count, len(replies) - 1)]
                answer = reply(request, count) if callable(reply) else reply
                self.close_connection = answer is None or answer.cut
                if answer is None:
                    return
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.status != 204:
                    self.send_header("content-length", str(len(answer.body) + (1 if answer.cut else 0)))
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_DELETE = handle_any  # noqa: N815 - the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
