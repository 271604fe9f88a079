"""The `Idempotency-Key` header: a client that sends a request again gets the job that the first one made."""

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
        description="Any text of yours: a repeat with the same key and body makes no second job.",
    ),
]


@contextmanager
def once(
    store: Store, tenant: str, document: object, key: str | None
) -> Iterator[tuple[Idempotency | None, str | None]]:
    """Marks the request as being worked on, and forgets it if it leads to no job.

    Args:
        store: Where the keys are.
        tenant: Whose request.
        document: All that the request asks for; a value that JSON can hold.
        key: The header's value.

    Yields:
        The mark, and the id of the job that the first request with this key made.

    Raises:
        Problem: 422, when the header is no key.
        IdempotencyMismatch: The key was used with another document.
        IdempotencyInFlight: Another request with this key is being worked on.
    """
    if key is None:
        yield None, None
        return
    idempotency = Idempotency(_parsed(key), fingerprint(document))
    known = store.idempotency.begin(tenant, idempotency)
    try:
        yield idempotency, known
    except Exception:
        store.idempotency.abandon(tenant, idempotency)
        raise


def _parsed(header: str) -> str:
    """The key, with or without the quotes that the draft asks for."""
    match = _KEY.fullmatch(header.strip())
    if match is None:
        raise invalid_parameter(
            "Idempotency-Key", f"found {header[:60]!r}; give 1 to 255 visible ASCII characters, in quotes or not"
        )
    return re.sub(r"\\(.)", r"\1", match[1]) if match[1] is not None else match[2]


def fingerprint(document: object) -> str:
    """The same for two bodies that say the same, however they are written."""
    digest = hashlib.sha256()
    for text in dumped(document):
        digest.update(text.encode())
    return digest.hexdigest()
