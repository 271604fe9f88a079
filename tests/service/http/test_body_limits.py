"""No body is read beyond its limit, with or without a Content-Length."""

import re
import select
import socket
from collections.abc import Callable

import httpx2
import pytest

from tests.service.conftest import RunningService, Trained

JOB = f"/jobs/job_{'0' * 26}"
PIECE = b" " * 65_536
CHUNK = b"%x\r\n%s\r\n" % (len(PIECE), PIECE)
# Larger than every limit of the service that the tests use, which are 1, 2 and 5 megabytes.
MOST = 40_000_000
# The capacity of the socket buffers on both sides.
BUFFERED = 12_000_000


JSON, OCTETS, FORM = "application/json", "application/octet-stream", "multipart/form-data; boundary=b"
# Method, path, media type and limit of each kind of body that an operation takes.
BODIES = [
    ("POST", "/jobs", JSON, 1_000_000),
    ("POST", "/specs/validate", JSON, 1_000_000),
    ("POST", "/specs/validate", "application/yaml", 1_000_000),
    ("POST", f"{JOB}/evaluate", JSON, 1_000_000),
    ("POST", "/datasets?name=x", OCTETS, 2_000_000),
    ("POST", "/datasets?name=x", FORM, 2_000_000),
    ("POST", "/models", OCTETS, 5_000_000),
    ("POST", "/models", JSON, 5_000_000),
    ("POST", "/models", FORM, 5_000_000),
    ("POST", "/workers/unknown/drain", JSON, 1_000_000),
    ("PUT", f"/blobs/{'0' * 64}", OCTETS, 2_000_000),
]
EACH_BODY = pytest.mark.parametrize(("method", "path", "kind", "limit"), BODIES)


def test_list_of_bodies_covers_every_operation_with_a_body(http: httpx2.Client) -> None:
    described = {
        (method.upper(), re.sub(r"\{\w+\}", "*", path))
        for path, item in http.get("/openapi.json").json()["paths"].items()
        for method, operation in item.items()
        if "requestBody" in operation
    }
    tried = {(method, re.sub(r"job_0+|unknown|0{64}", "*", path.partition("?")[0])) for method, path, *_ in BODIES}
    # These operations read the body only for an existing job; a test below has one.
    assert described == tried | {("POST", "/jobs/*/predict"), ("POST", "/jobs/*/retry")}


def head_of(method: str, path: str, kind: str, length: str) -> bytes:
    return f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {kind}\r\n{length}\r\n\r\n".encode()


Send = Callable[[str, str, str], tuple[int, int]]


@pytest.fixture
def send(http: httpx2.Client) -> Send:
    """Sends an endless chunked body until the service answers; the status, and the number of bytes sent."""

    def start(method: str, path: str, kind: str) -> tuple[int, int]:
        begin = b'--b\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
        sent, pending = 0, head_of(method, path, kind, "Transfer-Encoding: chunked")
        if kind.startswith("multipart"):
            pending += b"%x\r\n%s\r\n" % (len(begin), begin)
        with socket.create_connection(("127.0.0.1", http.base_url.port), timeout=60) as connection:
            while sent < MOST:
                readable, _, _ = select.select([connection], [connection], [], 30)
                try:
                    if readable:
                        return int(connection.recv(1000).split()[1]), sent
                    count = connection.send(pending)
                except (BrokenPipeError, ConnectionResetError):
                    return 0, sent
                sent, pending = sent + count, pending[count:] or CHUNK
        pytest.fail("the service has read on")

    return start


@EACH_BODY
def test_endless_body_is_cut_off_at_its_limit(
    *, send: Send, service: RunningService, method: str, path: str, kind: str, limit: int
) -> None:
    status, sent = send(method, path, kind)
    # A client that keeps sending may see the connection closed before it can read the response.
    assert status in {413, 0}
    assert sent < limit + BUFFERED
    assert service.uploads() == []


def test_endless_body_for_an_existing_job_is_cut_off_at_its_limit(send: Send, trained: Trained, digits: bytes) -> None:
    job_id = trained(digits)
    for action, kind in (("predict", "application/json"), ("predict", "image/png"), ("retry", "application/json")):
        status, sent = send("POST", f"/jobs/{job_id}/{action}", kind)
        assert status in {413, 0}
        assert sent < 1_000_000 + BUFFERED


@pytest.mark.parametrize("path", [f"{JOB}/cancel", "/session"])
def test_body_of_an_operation_without_one_is_not_read(send: Send, path: str) -> None:
    status, sent = send("POST", path, "application/json")
    assert status in {404, 401, 0}
    assert sent < BUFFERED


@EACH_BODY
def test_too_large_content_length_is_refused_unread(
    http: httpx2.Client, method: str, path: str, kind: str, limit: int
) -> None:
    with socket.create_connection(("127.0.0.1", http.base_url.port), timeout=60) as connection:
        connection.sendall(head_of(method, path, kind, f"Content-Length: {limit + 1}"))
        assert connection.recv(1000).split()[1] == b"413"
