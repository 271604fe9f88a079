"""Clients that hold connections without using them, on real sockets."""

import resource
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx2
import pytest

from pippin.api.tokens import issue
from pippin.store import Store
from tests.service.conftest import MakeService, RunningService
from tests.support.service_process import ServiceProcess
from tests.support.waiting import wait_for

HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
WHOLE = HEAD + b"\r\n"
BODY_HEAD = (
    b"POST /jobs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n{"
)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])


class Sockets(ExitStack):
    """Opens connections that are closed at the end of the test."""

    def connect(self, service: RunningService, sent: bytes = b"") -> socket.socket:
        connection = self.enter_context(socket.create_connection(("127.0.0.1", port_of(service.url)), timeout=60))
        connection.sendall(sent)
        return connection


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    with Sockets() as opened:
        yield opened


def read_until_closed(connection: socket.socket) -> bytes:
    """The bytes that arrive until the service closes the connection."""
    received = b""
    try:
        while data := connection.recv(65_536):
            received += data
    except ConnectionResetError:
        pass
    return received


def send_repeatedly(connection: socket.socket, data: bytes) -> None:
    """Send the data repeatedly for half a minute."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        connection.sendall(data)


def status_of(connection: socket.socket) -> bytes:
    return connection.recv(65_536).split(maxsplit=2)[1]


def cut_off_count(service: RunningService, reason: str) -> float:
    return service.figure("pippin_connections_cut_off_total", reason=reason)


def opened(service: RunningService) -> float:
    return service.figure("pippin_connections")


def wait_for_active(service: RunningService, count: int) -> None:
    """Wait until so many connections are open and none is idle."""
    idle = service.state.connections._idle
    wait_for(lambda: opened(service) == count and not idle)


def test_incomplete_request_heads_time_out(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(head_timeout_seconds=0.5, keep_alive_seconds=60)
    silent, half = sockets.connect(service), sockets.connect(service, HEAD)
    second = sockets.connect(service, WHOLE)
    assert status_of(second) == b"200"
    second.sendall(HEAD)
    for connection in (silent, half, second):
        assert b"HTTP/1.1 408 " in read_until_closed(connection)
    assert cut_off_count(service, "head_timeout") == 3


def test_head_sent_byte_by_byte_does_not_extend_the_timeout(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(head_timeout_seconds=0.5)
    connection = sockets.connect(service, HEAD)
    connection.settimeout(0.05)
    answer = b""
    deadline = time.monotonic() + 30
    while not answer and time.monotonic() < deadline:
        try:
            connection.sendall(b"a: b\r\n")
            answer = connection.recv(1000)
        except TimeoutError:
            continue
        except (ConnectionResetError, BrokenPipeError):
            break
    assert cut_off_count(service, "head_timeout") == 1


def test_keep_alive_connection_is_closed_after_its_timeout(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(keep_alive_seconds=1)
    connection = sockets.connect(service, WHOLE)
    assert read_until_closed(connection).startswith(b"HTTP/1.1 200 ")


def test_stalled_body_is_cut_off(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(body_timeout_seconds=0.5)
    stopped = sockets.connect(service, BODY_HEAD)
    assert read_until_closed(stopped).startswith(b"HTTP/1.1 408 ")
    assert cut_off_count(service, "body_timeout") == 1
    wait_for(lambda: not service.uploads())


def test_slow_body_is_cut_off_and_steady_body_is_accepted(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(body_timeout_seconds=1, min_body_bytes_per_second=100, head_timeout_seconds=1)
    slow, steady = sockets.connect(service, BODY_HEAD), sockets.connect(service, BODY_HEAD)
    deadline = time.monotonic() + 60
    while not cut_off_count(service, "body_timeout"):
        assert time.monotonic() < deadline
        for connection, data in ((slow, b" "), (steady, b" " * 1000)):
            try:
                connection.sendall(data)
            except OSError:
                assert connection is slow
        time.sleep(0.05)
    steady.sendall(b" " * 1_000_000)
    assert status_of(steady) == b"400"


@pytest.mark.full
def test_body_after_the_response_is_not_read_endlessly(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(head_timeout_seconds=0.5)
    endless = sockets.connect(
        service, b"POST /nothing-here HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    assert status_of(endless) == b"404"
    with pytest.raises(OSError, match=r"[Bb]roken|reset"):
        send_repeatedly(endless, b"1\r\n \r\n")
    assert cut_off_count(service, "body_timeout") == 1


def test_idle_connections_are_closed_for_new_ones(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(max_connections=8, max_connections_by_address=8)
    most = service.state.connections.max_by_address
    assert most == 6
    idle = [sockets.connect(service, HEAD) for _ in range(20)]
    answered = sockets.connect(service, WHOLE)
    assert status_of(answered) == b"200"
    assert read_until_closed(idle[0]) == b""
    assert cut_off_count(service, "gave_way") == 21 - most
    assert opened(service) == most


def test_active_connections_are_not_closed_for_new_ones(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(max_connections=8, max_connections_by_address=8)
    busy = [sockets.connect(service, BODY_HEAD) for _ in range(6)]
    wait_for_active(service, 6)
    refused = read_until_closed(sockets.connect(service, WHOLE))
    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 5" in refused
    assert cut_off_count(service, "address") == 1
    busy.pop().close()
    wait_for(lambda: opened(service) == 5)
    assert status_of(sockets.connect(service, WHOLE)) == b"200"


def test_proxy_connections_count_only_towards_the_total(make_service: MakeService, sockets: Sockets) -> None:
    service = make_service(max_connections=8, max_connections_by_address=4, proxy_addresses=("127.0.0.1",))
    for _ in range(8):
        sockets.connect(service, BODY_HEAD)
    wait_for_active(service, 8)
    assert read_until_closed(sockets.connect(service, WHOLE)).startswith(b"HTTP/1.1 503 ")
    assert (cut_off_count(service, "total"), cut_off_count(service, "address")) == (1, 0)


def test_event_stream_is_exempt_from_timeouts(
    make_service: MakeService, sockets: Sockets, submitted: Callable[..., str]
) -> None:
    service = make_service(head_timeout_seconds=0.3, body_timeout_seconds=0.3, keep_alive_seconds=1)
    path = f"/jobs/{submitted()}/metrics"
    head = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
    stream = sockets.connect(service, head.encode())
    assert status_of(stream) == b"200"
    # Wait long enough for every timeout to expire.
    silent = [sockets.connect(service) for _ in range(3)]
    for connection in silent:
        read_until_closed(connection)
    kept = sockets.connect(service, WHOLE)
    assert status_of(kept) == b"200"
    read_until_closed(kept)
    assert opened(service) == 1
    stream.close()
    wait_for(lambda: opened(service) == 0)


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="sets another process's limits (prlimit)")
def test_exhausted_descriptors_are_logged_at_a_limited_rate(tmp_path: Path) -> None:
    with ServiceProcess(tmp_path, head_timeout_seconds=3) as service:
        before = resource.prlimit(service.pid, resource.RLIMIT_NOFILE)
        with httpx2.Client(base_url=service.url, timeout=60) as http:
            assert http.get("/healthz").status_code == 200
        resource.prlimit(service.pid, resource.RLIMIT_NOFILE, (service.open_files + 5, before[1]))
        with ExitStack() as stack:
            began = time.monotonic()
            for _ in range(100):
                stack.enter_context(socket.create_connection(("127.0.0.1", port_of(service.url)), timeout=60))
            while not any("accepting a connection failed" in line for line in service.log):
                assert time.monotonic() < began + 60
                time.sleep(0.1)
            time.sleep(3)
            lines = [line for line in service.log if "accept" in line]
            assert len(lines) <= time.monotonic() - began + 2
        with httpx2.Client(base_url=service.url, timeout=60) as http:
            assert http.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("target", "host", "status"),
    [
        ("http://localhost/healthz", "elsewhere.example.com", b"200"),
        ("HTTP://127.0.0.1:80/healthz?", "x", b"200"),
        ("http://localhost/jobs?limit=1", "localhost", b"200"),
        ("http://localhost", "localhost", b"200"),
        ("http://elsewhere.example.com/healthz", "localhost", b"421"),
        ("http://me@localhost/healthz", "localhost", b"400"),
        ("http:///healthz", "localhost", b"400"),
        ("http://localhost/docs/%2e%2e/jobs", "localhost", b"404"),
    ],
)
def test_absolute_form_targets_are_handled_like_origin_form(
    service: RunningService, sockets: Sockets, target: str, host: str, status: bytes
) -> None:
    assert status_of(sockets.connect(service, f"GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())) == status


def test_absolute_form_targets_need_authentication(make_service: MakeService, sockets: Sockets, store: Store) -> None:
    store.tokens.add(issue("admin", "first"))
    service = make_service()
    head = b"GET http://localhost/jobs HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert status_of(sockets.connect(service, head)) == b"401"
