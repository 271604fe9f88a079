"""Strict JSON in bodies."""

from typing import Any

from pippin.documents import strict_json
from pippin.documents.errors import MalformedDocumentError
from service.http.breadth import too_many_values
from service.problems import invalid, malformed


def loads(data: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """The value that `data` holds.

    Raises:
        Problem: 400, for whatever is not strictly JSON; 422, for more values than can be checked in a short time.
    """
    try:
        document = strict_json.loads(data)
    except MalformedDocumentError as error:
        raise malformed(error.located) from error
    if fault := too_many_values(document):
        raise invalid([fault])
    return document
