"""The client's side of `/blobs`, against an HTTP server with configurable faults."""

import hashlib
import os
import re
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pippin.api.tokens import issue
from pippin.blobs import BlobError, BlobMissingError, BlobRefusedError, Blobs, behind_service
from pippin.http.token_file import TokenFileError
from pippin.system.retry import Backoff
from tests.pippin.blobs.conftest import ABSENT, Handler, serving

CONTENT = bytes(range(256)) * 8_000
DIGEST = f"sha256:{hashlib.sha256(CONTENT).hexdigest()}"
PATH = f"/blobs/{DIGEST.removeprefix('sha256:')}"
LAST = len(CONTENT) - 1


class Server(ThreadingHTTPServer):
    """A service that keeps blobs.

    Attributes:
        content: By path.
        token: The one that it requires, if any.
        cut_after: The next downloads break after so many bytes, one entry each.
        answers: The next requests get these answers: a status, a media type, a body.
        headers: More headers of those answers.
        knows_ranges: Whether it heeds `Range`.
        seen: Method and `Range` of every request, in order.
    """

    # A client closes the connection when it has read enough.
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), BlobHandler)
        self.content: dict[str, bytes] = {}
        self.token: str | None = None
        self.cut_after: list[int] = []
        self.answers: list[tuple[int, str, bytes]] = []
        self.headers: dict[str, str] = {}
        self.knows_ranges = True
        self.seen: list[tuple[str, str]] = []

    def ranges(self) -> list[str]:
        return [range_ for method, range_ in self.seen if method == "GET"]


class BlobHandler(Handler, BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        if self._refused():
            return
        whole = self.server.content.get(self.path)
        range_ = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("range", ""))
        if whole is None:
            self.answer(404, {"content-length": "0"})
        elif range_ is None or not self.server.knows_ranges:
            self._send(200, whole, {})
        else:
            assert self.headers["if-range"] == f'"{self.path.removeprefix("/blobs/")}"'
            begin, end = int(range_[1]), int(range_[2])
            self._send(206, whole[begin : end + 1], {"content-range": f"bytes {begin}-{end}/{len(whole)}"})

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_PUT(self) -> None:
        length = int(self.headers["content-length"])
        hasher, kept, left = hashlib.sha256(), bytearray(), length
        while left and (piece := self.rfile.read(min(left, 65536))):
            hasher.update(piece)
            kept += piece if length <= len(CONTENT) else b""
            left -= len(piece)
        if self._refused():
            return
        assert hasher.hexdigest() == self.path.removeprefix("/blobs/")
        self.server.content[self.path] = bytes(kept)
        self.answer(204, {})

    def _refused(self) -> bool:
        server = self.server
        server.seen.append((self.command, self.headers.get("range", "")))
        if server.token and self.headers.get("authorization") != f"Bearer {server.token}":
            server.answers.insert(0, (401, "text/plain", b""))
        if not server.answers:
            return False
        status, kind, body = server.answers.pop(0)
        headers = {"content-type": kind, "content-length": str(len(body)), **server.headers}
        self.answer(status, headers, b"" if self.command == "HEAD" else body)
        return True

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        cuts = self.server.cut_after if self.command == "GET" else [0]
        part = body[: cuts.pop(0)] if cuts else body
        self.answer(status, {"content-length": str(len(body)), **headers}, part)
        if self.command == "GET" and len(part) < len(body):
            self.close_connection = True

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    with serving(server):
        yield server


@pytest.fixture
def stored(server: Server) -> Server:
    """The server with the blob in it."""
    server.content[PATH] = CONTENT
    return server


@pytest.fixture
def url(server: Server) -> str:
    return f"http://127.0.0.1:{server.server_port}"


@pytest.fixture
def blobs(url: str) -> Blobs:
    return Blobs(url)


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(behind_service, "backoff", lambda: Backoff(0.001, 0.001, tries=6))


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.touch(mode=0o600)
    path.write_text(issue("worker", None).text + "\n")
    return path


def test_file_reads_back_as_stored(blobs: Blobs, server: Server, source: Path, tmp_path: Path) -> None:
    assert blobs.head(DIGEST) is None
    assert blobs.put_file(source) == (DIGEST, len(CONTENT))
    assert set(server.content) == {PATH}
    assert blobs.head(DIGEST) == len(CONTENT)
    assert b"".join(blobs.read(DIGEST, 5, 15)) == CONTENT[5:15]
    blobs.fetch(DIGEST, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT
    with pytest.raises(BlobMissingError):
        blobs.fetch(ABSENT, tmp_path / "copy")
    empty = blobs.put_bytes(b"")
    assert (blobs.head(empty), list(blobs.read(empty))) == (0, [])


def test_url_of_the_blobs_is_accepted(url: str, server: Server) -> None:
    Blobs(f"{url}/blobs/").put_bytes(CONTENT)
    assert set(server.content) == {PATH}


def test_broken_download_resumes_where_it_stopped(blobs: Blobs, stored: Server, tmp_path: Path) -> None:
    stored.cut_after = [200_000, 400_000]
    blobs.fetch(DIGEST, tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == CONTENT
    assert stored.ranges() == [f"bytes={start}-{LAST}" for start in (0, 200_000, 600_000)]


def test_server_without_range_support_is_read_from_the_start(blobs: Blobs, stored: Server) -> None:
    stored.cut_after, stored.knows_ranges = [200_000], False
    assert b"".join(blobs.read(DIGEST, 100_000, 400_000)) == CONTENT[100_000:400_000]


def test_download_ends_after_consecutive_tries_without_progress(blobs: Blobs, stored: Server) -> None:
    stored.cut_after = [1_000] * 20
    assert b"".join(blobs.read(DIGEST)) == CONTENT
    stored.cut_after = [0] * 6
    with pytest.raises(BlobError, match=r"could not read .*tried 6 times"):
        list(blobs.read(DIGEST))


def test_wrong_content_is_never_delivered(blobs: Blobs, server: Server, tmp_path: Path) -> None:
    server.content[PATH] = CONTENT[::-1]
    with pytest.raises(BlobError, match="damaged"):
        blobs.fetch(DIGEST, tmp_path / "copy")
    assert list(tmp_path.iterdir()) == []


def test_transient_errors_are_retried(blobs: Blobs, server: Server, source: Path) -> None:
    server.answers = [(503, "text/plain", b"later"), (502, "text/html", b"<html>")]
    blobs.put_file(source)
    assert [method for method, _ in server.seen] == ["PUT"] * 3
    server.answers = [(503, "application/problem+json", b'{"detail": "Redis is away."}')] * 6
    with pytest.raises(BlobError, match=r"127\.0\.0\.1 answered 503: Redis is away\.; tried 6 times"):
        blobs.put_file(source)


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ((413, "text/html", b"<html>"), "PIPPIN_MAX_DATASET_BYTES"),
        ((422, "application/problem+json", b'{"detail": "No.", "errors": [{"detail": "why"}]}'), r"422: No\. why"),
        ((403, "text/html", b"<html>"), "answered 403"),
    ],
)
def test_refusal_is_raised_at_once(
    blobs: Blobs, server: Server, source: Path, answer: tuple[int, str, bytes], message: str
) -> None:
    server.answers = [answer]
    with pytest.raises(BlobError, match=message):
        blobs.put_file(source)
    assert len(server.seen) == 1


def test_redirect_is_not_followed(blobs: Blobs, server: Server) -> None:
    server.answers = [(308, "text/plain", b"")]
    server.headers["location"] = "http://elsewhere.test/blobs"
    with pytest.raises(BlobError, match=r"elsewhere\.test.*PIPPIN_BLOBS_URL"):
        blobs.head(DIGEST)


def test_token_of_the_file_is_sent(url: str, server: Server, token_file: Path) -> None:
    server.token = token_file.read_text().strip()
    blobs = Blobs(url, token_file)
    assert b"".join(blobs.read(blobs.put_bytes(CONTENT))) == CONTENT


def test_missing_or_wrong_token_names_the_setting(url: str, server: Server, token_file: Path) -> None:
    server.token = issue("worker", None).text
    with pytest.raises(BlobRefusedError, match="requires a worker token: set PIPPIN_TOKEN_FILE"):
        Blobs(url).head(DIGEST)
    with pytest.raises(BlobRefusedError, match=r"PIPPIN_TOKEN_FILE.*revoked.*pippin tokens create") as raised:
        Blobs(url, token_file).put_bytes(CONTENT)
    assert token_file.read_text().strip() not in str(raised.value)


def test_token_is_not_sent_unencrypted_to_another_machine(token_file: Path) -> None:
    with pytest.raises(BlobError, match="unencrypted: use https"):
        Blobs("http://trainer.example:8000", token_file)


def test_token_file_open_to_others_is_refused(url: str, token_file: Path) -> None:
    token_file.chmod(0o644)
    with pytest.raises(TokenFileError, match="chmod 600"):
        Blobs(url, token_file)


def test_delete_and_list_behind_a_service_are_refused(blobs: Blobs) -> None:
    with pytest.raises(BlobError, match=r"does not support this \(delete\)"):
        blobs.delete(DIGEST)
    with pytest.raises(BlobError, match=r"does not support this \(list\)"):
        blobs.names()


def test_unreachable_service_raises_blob_error() -> None:
    with pytest.raises(BlobError, match=r"could not look up .*could not connect.*tried 6 times"):
        Blobs("http://127.0.0.1:1").head(DIGEST)


def test_upload_of_a_large_file_takes_little_memory(blobs: Blobs, tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.touch()
    os.truncate(path, 48 * 2**20)
    tracemalloc.start()
    try:
        blobs.put_file(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 16 * 2**20
