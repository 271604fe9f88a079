"""Answers with the content of a blob: whole, in part, or not at all when the client has it already."""

import base64

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pippin.blobs import Blobs
from service.http.conditional import is_current
from service.http.ranges import Slice, UnsatisfiableError, requested
from service.problems import Problem


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
    content = iter(()) if request.method == "HEAD" else blobs.read(digest, start, stop)
    return StreamingResponse(
        content, status_code=206 if part else 200, headers=described, media_type="application/octet-stream"
    )


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
