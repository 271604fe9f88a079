"""JSON as RFC 8259 means it, and nothing beyond: what the standard library lets pass is refused here."""

import json
import math
from typing import Any

from pippin.documents.errors import MalformedDocumentError


def loads(data: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """The value that `data` holds.

    Raises:
        MalformedDocumentError: For what is not UTF-8 or not JSON, for NaN and infinite numbers, for an object that has
            a key twice, and for half a surrogate pair, which no UTF-8 answer or record could hold.
    """
    try:
        text = data.decode()
        value = json.loads(text, object_pairs_hook=_object_of, parse_float=_finite, parse_constant=_refuse_constant)
        if "\\ud" in text.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedDocumentError(f"it is not JSON: {error.msg.lower()} at {where}") from error
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(f"it is not UTF-8: byte {error.start} does not fit") from error
    except UnicodeEncodeError as error:
        raise MalformedDocumentError("it has a \\u escape of half a surrogate pair") from error
    except RecursionError as error:
        raise MalformedDocumentError("it is nested too deeply to read") from error
    except ValueError as error:
        raise MalformedDocumentError(f"it is not JSON that can be used: {error}") from error
    return value


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"an object has the key {json.dumps(twice)} twice")
    return value


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large for a 64-bit float")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number; use null for a value that is absent")
