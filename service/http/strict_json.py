"""Strict JSON in bodies."""

from typing import Any

from pippin.documents import strict_json
from pippin.documents.errors import MalformedDocumentError
from service.problems import malformed


def loads(data: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """The value that `data` holds.

    Raises:
        Problem: 400, for whatever is not strictly JSON.
    """
    try:
        return strict_json.loads(data)
    except MalformedDocumentError as error:
        raise malformed(error.located) from error
