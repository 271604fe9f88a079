"""Markers: created by one of several processes, in a folder and in a bucket with or without conditional writes."""

import hashlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pippin.blobs import BlobError, Blobs
from tests.pippin.blobs.conftest import Handler, serving


class Bucket(Handler, BaseHTTPRequestHandler):
    """The part of S3 that markers need."""

    objects: dict[str, bytes]
    conditional: bool
    lock: threading.Lock

    def do_PUT(self) -> None:
        data = self.rfile.read(int(self.headers["content-length"]))
        with self.lock:
            if self.headers.get("if-none-match") == "*":
                if not self.conditional:
                    self.reply(501, b"<Error><Code>NotImplemented</Code></Error>")
                    return
                if self.path in self.objects:
                    self.reply(412, b"<Error><Code>PreconditionFailed</Code></Error>")
                    return
            self.objects[self.path] = data
        self.reply(200, b"", data)

    def do_GET(self) -> None:
        data = self.objects.get(self.path)
        if data is None:
            self.reply(404, b"<Error><Code>NoSuchKey</Code></Error>")
        else:
            self.reply(200, data, data)

    def reply(self, status: int, body: bytes, tagged: bytes = b"") -> None:
        headers = {"etag": f'"{hashlib.sha256(tagged).hexdigest()}"', "content-length": str(len(body))}
        self.answer(status, headers | {"last-modified": "Mon, 30 Nov 2026 18:00:00 GMT"}, body)


@pytest.fixture(params=["folder", "conditional bucket", "older bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path, bucket_settings: Callable[[str], None]) -> Iterator[Blobs]:
    if request.param == "folder":
        yield Blobs((tmp_path / "blobs").as_uri())
        return
    members = {"objects": {}, "conditional": request.param == "conditional bucket", "lock": threading.Lock()}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("ThisBucket", (Bucket,), members))
    with serving(server) as url:
        bucket_settings(url)
        yield Blobs("s3://bucket/prefix")


def test_marker_is_created_once(blobs: Blobs) -> None:
    assert blobs.read_marker("owner") is None
    assert blobs.create_marker("owner", b"first")
    assert not blobs.create_marker("owner", b"second")
    assert blobs.read_marker("owner") == b"first"
    blobs.write_marker("owner", b"third")
    assert blobs.read_marker("owner") == b"third"


# Without conditional writes the result depends on timing, which is unreliable on a busy machine.
@pytest.mark.parametrize("blobs", ["folder", "conditional bucket"], indirect=True)
def test_one_of_several_concurrent_creations_succeeds(blobs: Blobs) -> None:
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda number: blobs.create_marker("owner", b"%d" % number), range(8)))
    assert written.count(True) == 1
    assert blobs.read_marker("owner") == b"%d" % written.index(True)


def test_markers_are_not_listed_as_blobs(tmp_path: Path) -> None:
    blobs = Blobs((tmp_path / "blobs").as_uri())
    blobs.write_marker("owner", b"x")
    assert list(blobs.names()) == []
    assert list(blobs.entries()) == []


def test_store_behind_a_service_has_no_markers() -> None:
    blobs = Blobs("http://127.0.0.1:1")
    for call in (lambda: blobs.read_marker("owner"), lambda: blobs.create_marker("owner", b"")):
        with pytest.raises(BlobError, match="where the blobs are stored"):
            call()
