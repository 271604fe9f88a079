"""Answers with the content of files: `Range` (RFC 9110 section 14), entity tags, and the name to save a file under."""

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

import structlog
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pippin.blobs import BlobDamagedError, Blobs
from service.http.responses import is_current
from service.problems import Problem

BINARY: dict[str, Any] = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
"""The OpenAPI description of an answer that is a file."""

_CHUNK_BYTES = 2**18
_SINGLE_RANGE = re.compile(r"\s*bytes\s*=\s*(\d{0,19})\s*-\s*(\d{0,19})\s*", re.ASCII | re.IGNORECASE)
# Two numbers of 19 digits, and room for spaces.
_MAX_RANGE_CHARACTERS = 100
# Characters with a meaning to shells, Windows or paths, and invisible ones.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f/\\:*?"<>|\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+')
_MAX_NAME_CHARACTERS = 150

_log = structlog.stdlib.get_logger(__name__)


def serve_blob(request: Request, blobs: Blobs, digest: str, size: int, headers: dict[str, str]) -> Response:
    """The answer to a GET or HEAD of a blob whose content at this address never changes.

    Args:
        request: The request, with `Range`, `If-Range` and `If-None-Match`.
        blobs: The store that has the blob.
        digest: `sha256:<hex>`; its hex is the entity tag, and `Repr-Digest` (RFC 9530) carries it in base 64.
        size: The size of the blob in bytes.
        headers: Further headers of the answer.

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
    part = _requested_part(request, etag, size)
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


def serve_file(path: Path, media_type: str) -> Response:
    """The answer with the content of a file, which may be deleted while it is sent."""
    file = path.open("rb")
    headers = {"content-length": str(os.fstat(file.fileno()).st_size)}
    return StreamingResponse(_chunks(file), headers=headers, media_type=media_type)


def safe_name(name: str, default: str) -> str:
    """`name` as the stem of a file name; `default` when no usable character is left."""
    return _UNSAFE.sub("-", name).strip(" .-")[:_MAX_NAME_CHARACTERS].strip(" .-") or default


def attachment(filename: str) -> str:
    """The value of `Content-Disposition` (RFC 6266): the name in ASCII, and the exact one as RFC 8187 encodes it."""
    plain = re.sub(r"[^\x20-\x7e]|[%\"\\]", "_", filename)
    value = f'attachment; filename="{plain}"'
    return value if plain == filename else f"{value}; filename*=UTF-8''{quote(filename, safe='')}"


class UnsatisfiableError(Exception):
    """The range contains no byte of the file: the answer is 416."""


@dataclass(frozen=True, slots=True)
class Slice:
    """The bytes from `start` up to, not including, `stop` of a file of `size` bytes."""

    start: int
    stop: int
    size: int

    @property
    def content_range(self) -> str:
        """The value of the `Content-Range` header."""
        return f"bytes {self.start}-{self.stop - 1}/{self.size}"


def parse_range(header: str | None, size: int) -> Slice | None:
    """The part of a file of `size` bytes that a `Range` header requests; None means the whole file.

    A header with another unit, a malformed one, or one with several ranges is ignored (RFC 9110 section 14.2).

    Raises:
        UnsatisfiableError: The range is well-formed and lies outside the file.
    """
    # Matching takes quadratic time: 64 KB of spaces, which a header may have, took half a minute.
    match = _SINGLE_RANGE.fullmatch(header) if header and len(header) <= _MAX_RANGE_CHARACTERS else None
    if match is None or match[1] == match[2] == "":
        return None
    if not match[1]:
        start, stop = max(0, size - int(match[2])), size
    else:
        start = int(match[1])
        last = int(match[2]) if match[2] else size - 1
        if match[2] and last < start:
            return None
        stop = min(size, last + 1)
    if start >= stop:
        raise UnsatisfiableError
    return Slice(start, stop, size)


def _requested_part(request: Request, etag: str, size: int) -> Slice | None:
    # RFC 9110 section 13.1.5: a range of another version of the file is useless, so the whole file is sent.
    if request.headers.get("if-range", etag) != etag or request.method == "HEAD":
        return None
    try:
        return parse_range(request.headers.get("range"), size)
    except UnsatisfiableError:
        raise Problem(
            "range-not-satisfiable",
            f"The file has {size:,} bytes; found {request.headers['range']}.",
            headers={"content-range": f"bytes */{size}"},
        ) from None


def _content(request: Request, blobs: Blobs, digest: str, size: int, part: Slice | None) -> Iterator[bytes]:
    if request.method == "HEAD":
        return iter(())
    if (stored := blobs.head(digest)) is not None and stored != size:
        raise BlobDamagedError(f"the blob {digest} is damaged: it has {stored:,} bytes and should have {size:,}")
    # A whole answer is cut off, which the client notices, when its content does not match the entity tag.
    return blobs.read(digest, part.start, part.stop) if part else _logged(blobs.read_verified(digest))


def _logged(content: Iterator[bytes]) -> Iterator[bytes]:
    try:
        yield from content
    except BlobDamagedError as error:
        _log.error("a download was interrupted", error=str(error))
        raise


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK_BYTES):
            yield chunk
