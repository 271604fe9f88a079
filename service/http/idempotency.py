"""The `Idempotency-Key` header: a repeated request gets the job that the first one created."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import Header
from pydantic import WithJsonSchema

from pippin.documents.strict_json import dumped
from pippin.store import Idempotency, Store
from service.problems import invalid_parameter

_KEY = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\]){1,255})"|([\x21\x23-\x7e]{1,255})')
_Described = Annotated[str, WithJsonSchema({"type": "string", "pattern": f"^(?:{_KEY.pattern})$"})]

IdempotencyKey = Annotated[
    _Described | None,
    Header(
        alias="Idempotency-Key",
        description="A text chosen by the client: repeating the request with the same key and body creates no second "
        "job.",
    ),
]


@contextmanager
def idempotent(
    store: Store, tenant: str, document: object, key: str | None
) -> Iterator[tuple[Idempotency | None, str | None]]:
    """Reserve the key of a request while the `with` block lasts; the key is released when the block raises.

    Args:
        store: Keeps the keys.
        tenant: The tenant of the request.
        document: The request as a JSON value, which is compared with that of a repeated request.
        key: The value of the header.

    Yields:
        The reserved key, and the id of the job that an earlier request with this key created.

    Raises:
        Problem: 422, when the header is malformed.
        IdempotencyMismatch: The key was used with another document.
        IdempotencyInFlight: Another request with this key is being processed.
    """
    if key is None:
        yield None, None
        return
    idempotency = Idempotency(_parsed(key), fingerprint(document))
    job_id = store.idempotency.begin(tenant, idempotency)
    try:
        yield idempotency, job_id
    except Exception:
        store.idempotency.abandon(tenant, idempotency)
        raise


def _parsed(header: str) -> str:
    """The key without the quotes, which are optional here although the IETF draft requires them."""
    match = _KEY.fullmatch(header.strip())
    if match is None:
        raise invalid_parameter(
            "Idempotency-Key", f"found {header[:60]!r}; give 1 to 255 visible ASCII characters, in quotes or not"
        )
    return re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]


def fingerprint(document: object) -> str:
    """A digest of a JSON value, independent of whitespace and the order of members."""
    digest = hashlib.sha256()
    for text in dumped(document):
        digest.update(text.encode())
    return digest.hexdigest()
