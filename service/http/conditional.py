"""Entity tags: a client that has the current state already gets a 304 instead (RFC 9110 section 13)."""

import hashlib
import re

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

_TAG = re.compile(r'(?:W/)?("[^"]*")')


def etag_of(content: bytes) -> str:
    """A strong entity tag of `content`."""
    return f'"{hashlib.sha256(content).hexdigest()[:32]}"'


def is_current(if_none_match: str | None, etag: str) -> bool:
    """Whether an `If-None-Match` header names `etag`; compared weakly, as RFC 9110 section 13.1.2 says."""
    if if_none_match is None:
        return False
    return if_none_match.strip() == "*" or etag in _TAG.findall(if_none_match)


def document(request: Request, value: BaseModel) -> Response:
    """`value` as JSON with its entity tag, or 304 without a body when the client has it already."""
    content = value.model_dump_json().encode()
    headers = {"etag": etag_of(content), "cache-control": "no-cache"}
    if is_current(request.headers.get("if-none-match"), headers["etag"]):
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type="application/json")
