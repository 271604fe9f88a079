"""JSON answers with entity tags (RFC 9110 section 13), and answers whose content is generated while it is sent."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

_TAG = re.compile(r'(?:W/)?("[^"]*")')
# Passing a chunk from a thread to the server takes some 50 microseconds, whatever its size.
_CHUNK_BYTES = 2**16


def etag_of(content: bytes) -> str:
    """A weak entity tag of `content`: the same for all of its encodings (RFC 9110 section 8.8.3)."""
    return f'W/"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_current(if_none_match: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` header names `etag`; the comparison is weak, as in RFC 9110 section 13.1.2."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag.removeprefix("W/") in _TAG.findall(if_none_match)


def json_with_etag(request: Request, value: BaseModel) -> Response:
    """`value` as JSON with its entity tag, or 304 without a body when the client has this version."""
    content = value.model_dump_json().encode()
    headers = {"etag": etag_of(content), "cache-control": "no-cache"}
    if is_current(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")


def generated(content: Iterable[bytes], media_type: str, headers: Mapping[str, str]) -> Response:
    """An answer with generated content: a short one has a `Content-Length`, a long one is sent in chunks.

    Errors that `content` raises within its first 64 KiB are raised here, where they still become a problem.
    """
    chunks = _joined(content)
    first = next(chunks, b"")
    second = next(chunks, None)
    if second is None:
        return Response(first, media_type=media_type, headers=dict(headers))
    return StreamingResponse(chain((first, second), chunks), media_type=media_type, headers=headers)


def _joined(content: Iterable[bytes]) -> Iterator[bytes]:
    """The same content in chunks of 64 KiB or more, except the last."""
    chunk = bytearray()
    for part in content:
        chunk += part
        if len(chunk) >= _CHUNK_BYTES:
            yield bytes(chunk)
            chunk.clear()
    if chunk:
        yield bytes(chunk)
