"""Answers with the content of a blob: whole, in part, or not at all when the client has it already."""

import base64
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pippin.blobs import BlobDamagedError, Blobs
from service.http.conditional import is_current
from service.http.ranges import Slice, UnsatisfiableError, requested
from service.problems import Problem

_PIECE = 2**18

_log = structlog.stdlib.get_logger(__name__)


def serve(request: Request, blobs: Blobs, digest: str, size: int, headers: dict[str, str]) -> Response:
    """The answer to a GET or HEAD of a blob that never changes under its address.

    Args:
        request: What is asked, `Range`, `If-Range` and `If-None-Match` included.
        blobs: Where it lies.
        digest: `sha256:<hex>`; its hex is the entity tag, and `Repr-Digest` (RFC 9530) carries it in base 64.
        size: In bytes.
        headers: Added to the answer.

    Raises:
        Problem: 416, when the range lies outside the blob.
        BlobDamagedError: The stored blob has another size.
        BlobError: The blob cannot be read.
    """
    hex_digest = digest.removeprefix("sha256:")
    etag = f'"{hex_digest}"'
    described = {
        "etag": etag,
        "repr-digest": f"sha-256=:{base64.b64encode(bytes.fromhex(hex_digest)).decode()}:",
        "accept-ranges": "bytes",
        "cache-control": "no-cache",
        **headers,
    }
    if is_current(request.headers.get("if-none-match"), etag):
        return Response(status_code=304, headers=described)
    part = _part(request, etag, size)
    start, stop = (part.start, part.stop) if part else (0, size)
    described["content-length"] = str(stop - start)
    if part:
        described["content-range"] = part.content_range
    return StreamingResponse(
        _content(request, blobs, digest, size, part),
        status_code=206 if part else 200,
        headers=described,
        media_type="application/octet-stream",
    )


def open_file(path: Path, media_type: str) -> Response:
    """The answer with the content of a file, which may be deleted meanwhile."""
    file = path.open("rb")
    headers = {"content-length": str(os.fstat(file.fileno()).st_size)}
    return StreamingResponse(_pieces(file), headers=headers, media_type=media_type)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(_PIECE):
            yield piece


def _content(request: Request, blobs: Blobs, digest: str, size: int, part: Slice | None) -> Iterator[bytes]:
    if request.method == "HEAD":
        return iter(())
    if (stored := blobs.head(digest)) is not None and stored != size:
        raise BlobDamagedError(f"the blob {digest} is damaged: it has {stored:,} bytes and should have {size:,}")
    # A whole answer ends early, visibly to the client, where its content is not what its entity tag says.
    return blobs.read(digest, part.start, part.stop) if part else _logged(blobs.read_verified(digest))


def _logged(content: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from content
    except BlobDamagedError as error:
        _log.error("a download was cut off", error=str(error))
        raise


def _part(request: Request, etag: str, size: int) -> Slice | None:
    # RFC 9110 section 13.1.5: a range of another version of the file is of no use, so the whole is sent instead.
    if request.headers.get("if-range", etag) != etag or request.method == "HEAD":
        return None
    try:
        return requested(request.headers.get("range"), size)
    except UnsatisfiableError:
        raise Problem(
            "range-not-satisfiable",
            f"The file has {size:,} bytes; found {request.headers['range']}.",
            headers={"content-range": f"bytes */{size}"},
        ) from None
