"""JSON as RFC 8259 means it, and nothing beyond: what the standard library lets pass is refused here."""

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from pippin.documents.errors import MalformedDocumentError

_SURROGATE_ESCAPE = re.compile(r"\\u[dD]")
# Bytes of memory that the parser needs for each of these characters, measured with CPython 3.11 on texts of 28 MB that
# hold little else: a list and its place in another one, a small dictionary, an entry of a large one beside the pair
# that it is made from, half a text, and a number with its place in a list.
_BYTES_FOR = {b"[": 88, b"{": 120, b":": 200, b'"': 30, b",": 40}


def parsed_bytes(data: bytes) -> int:
    """An estimate of the memory that `loads` takes at its peak for `data`, or for a piece of it, the text included.

    Too high where texts hold much punctuation. Takes a few milliseconds for each 10 MB.
    """
    return 2 * len(data) + sum(data.count(character) * size for character, size in _BYTES_FOR.items())


def loads(data: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """The value that `data` holds, in time proportional to its length.

    Other threads go on meanwhile: the standard library's parser calls a Python function for each number and object.

    Raises:
        MalformedDocumentError: For what is not UTF-8 or not JSON, for NaN and infinite numbers, for an object that has
            a key twice, and for half a surrogate pair, which no UTF-8 answer or record could hold.
    """
    try:
        text = data.decode()
        value = json.loads(
            text,
            object_pairs_hook=_object_of,
            parse_float=_finite,
            parse_int=_integer,
            parse_constant=_refuse_constant,
        )
        if _SURROGATE_ESCAPE.search(text):
            for part in _texts(value):
                part.encode()
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


def dumped(value: object) -> Iterator[str]:
    """The pieces of the JSON of `value`, keys sorted, in which equal values are equal.

    Other threads go on between two pieces: `json.dumps` of 3 million numbers held them up for a second.
    """
    match value:
        case dict():
            before = "{"
            for key in sorted(value):
                yield f"{before}{json.dumps(key)}: "
                yield from dumped(value[key])
                before = ", "
            yield "}" if value else "{}"
        case list() if value:
            before = "["
            for entries in _runs(value):
                yield before
                if isinstance(entries[0], dict | list):
                    yield from dumped(entries[0])
                else:
                    yield json.dumps(entries)[1:-1]
                before = ", "
            yield "]"
        case _:
            yield json.dumps(value)


def _runs(values: list[Any]) -> Iterator[list[Any]]:
    """`values` in pieces: each list and dictionary alone, and up to `_LONGEST_RUN` other values together."""
    run: list[Any] = []
    for value in values:
        alone = isinstance(value, dict | list)
        if run and (alone or len(run) == _LONGEST_RUN):
            yield run
            run = []
        if alone:
            yield [value]
        else:
            run.append(value)
    if run:
        yield run


_LONGEST_RUN = 10_000


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError(f"an object has the key {json.dumps(_shortened(_repeated(pairs)))} twice")
    return value


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    """The first key that comes a second time."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("no key is repeated")


def _shortened(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else key[: _LONGEST_KEY - 1] + "…"


# The most characters of a key that a message quotes.
_LONGEST_KEY = 100


def _texts(value: object) -> Iterator[str]:
    """Every text in a JSON value, keys included."""
    open_values = [value]
    while open_values:
        match open_values.pop():
            case str() as text:
                yield text
            case list() as entries:
                open_values += entries
            case dict() as members:
                yield from members
                open_values += members.values()


# Not `int` itself, which the parser calls without a switch of threads: 14 million numbers held up all others for 0.9 s.
def _integer(text: str) -> int:
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large for a 64-bit float")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number; use null for a value that is absent")
