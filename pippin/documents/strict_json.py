"""Strict JSON (RFC 8259): refuses the extensions that the standard library accepts."""

import json
import math
import re
from collections.abc import Iterator
from json.scanner import py_make_scanner  # type: ignore[attr-defined]  # typeshed leaves it out
from typing import Any

from pippin.documents.errors import MalformedDocumentError, RepeatedKeyError
from pippin.errors import clipped, pointer

_SURROGATE_ESCAPE = re.compile(r"\\u[dD]")
# Bytes of memory that the parser needs for each of these characters, measured with CPython 3.11 on texts of 28 MB that
# consist mostly of the character: a list and its place in another list, a small dictionary, an entry of a large
# dictionary and the pair that the entry is made from, half a string, and a number with its place in a list.
_BYTES_FOR = {b"[": 88, b"{": 120, b":": 200, b'"': 30, b",": 40}


def parsed_bytes(data: bytes) -> int:
    """An estimate of the peak memory of `loads` for `data`, or for a piece of it, including the text.

    The estimate is too high for strings with much punctuation. Takes a few milliseconds for each 10 MB.
    """
    return 2 * len(data) + sum(data.count(character) * size for character, size in _BYTES_FOR.items())


def loads(data: bytes) -> Any:  # noqa: ANN401 (any JSON value)
    """The value that `data` holds, in time proportional to its length.

    Other threads can run meanwhile: the parser of the standard library calls a Python function for each number and
    object, and a text with very many lists or strings is parsed in Python.

    Raises:
        MalformedDocumentError: The data is not UTF-8 or not JSON, or has NaN, infinite numbers, or a lone surrogate,
            which UTF-8 cannot encode.
        RepeatedKeyError: An object has a key twice.
    """
    try:
        text = data.decode()
        decoder = _Decoder if data.count(b"[") + data.count(b'"') // 2 <= _MAX_C_PARSED else _InterruptibleDecoder
        reader = decoder()
        value = reader.decode(text)
        if reader.has_repeated_key:
            _refuse_repeated(value)
        if _SURROGATE_ESCAPE.search(text):
            for part in _strings(value):
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
        raise MalformedDocumentError(f"it cannot be used as JSON: {error}") from error
    return value


def dumped(value: object) -> Iterator[str]:
    """The JSON of `value` in pieces, with sorted keys, so that equal values give equal text.

    Other threads can run between two pieces: `json.dumps` of 3 million numbers blocked them for a second.
    """
    if _size(value) <= _MAX_PIECE_VALUES:
        yield json.dumps(value, sort_keys=True)
    elif isinstance(value, dict):
        before = "{"
        for key in sorted(value):
            yield f"{before}{json.dumps(key)}: "
            yield from dumped(value[key])
            before = ", "
        yield "}"
    elif isinstance(value, list):
        before = "["
        for entries in _runs(value):
            yield before
            if len(entries) == 1:
                yield from dumped(entries[0])
            else:
                yield json.dumps(entries, sort_keys=True)[1:-1]
            before = ", "
        yield "]"


def _runs(values: list[Any]) -> Iterator[list[Any]]:
    """`values` in runs of at most `_MAX_PIECE_VALUES` values, including nested values; a larger value is alone."""
    run: list[Any] = []
    total = 0
    for value in values:
        size = _size(value)
        if run and total + size > _MAX_PIECE_VALUES:
            yield run
            run, total = [], 0
        run.append(value)
        total += size
    yield run


def _size(value: object) -> int:
    """The number of values in `value`, including itself; where it exceeds `_MAX_PIECE_VALUES`, any larger number."""
    size, containers = 1, [value]
    while containers and size <= _MAX_PIECE_VALUES:
        match containers.pop():
            case list() as inner:
                size += len(inner)
                containers += [entry for entry in inner if isinstance(entry, list | dict)]
            case dict() as inner:
                size += len(inner)
                containers += [entry for entry in inner.values() if isinstance(entry, list | dict)]
    return size


_MAX_PIECE_VALUES = 10_000


class _ObjectWithRepeatedKey(dict[str, Any]):
    """An object with a repeated key. It is refused after the whole document is parsed, since its place is known then.

    Attributes:
        key: The first repeated key.
    """

    def __init__(self, value: dict[str, Any], key: str) -> None:
        super().__init__(value)
        self.key = key


def _first_repeated_key(pairs: list[tuple[str, Any]]) -> str:
    """The first repeated key."""
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("no key is repeated")


def _refuse_repeated(value: object) -> None:
    """Refuse the first object with a repeated key. Takes memory for the depth of the document, not its size.

    Raises:
        RepeatedKeyError: There is such an object.
    """
    path: list[str | int] = []
    open_values: list[Iterator[tuple[str | int, object]]] = [iter(((0, value),))]
    while open_values:
        for name, inner in open_values[-1]:
            if isinstance(inner, _ObjectWithRepeatedKey):
                at = clipped(pointer(*path[1:], *([name] if path else [])), _MAX_KEY_CHARACTERS)
                where = f", in the object at {at}" if at else ""
                raise RepeatedKeyError(f"it has the key {json.dumps(_shortened(inner.key))} twice{where}")
            if isinstance(inner, dict | list):
                path.append(name)
                open_values.append(iter(inner.items() if isinstance(inner, dict) else enumerate(inner)))
                break
        else:
            open_values.pop()
            if path:
                path.pop()


def _shortened(key: str) -> str:
    return key if len(key) <= _MAX_KEY_CHARACTERS else key[: _MAX_KEY_CHARACTERS - 1] + "…"


class _Decoder(json.JSONDecoder):
    """The decoder of the standard library, in C, with the functions below as hooks that refuse extensions."""

    def __init__(self) -> None:
        self.has_repeated_key = False
        super().__init__(
            object_pairs_hook=self._object_of, parse_float=_finite, parse_int=_integer, parse_constant=_refuse_constant
        )

    def _object_of(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(pairs)
        if len(value) == len(pairs):
            return value
        self.has_repeated_key = True
        return _ObjectWithRepeatedKey(value, _first_repeated_key(pairs))

    def decode(self, s: str, *args: Any) -> Any:  # noqa: ANN401 (as in the class above)
        if s.startswith("\ufeff"):
            raise json.JSONDecodeError("Unexpected UTF-8 BOM", s, 0)
        return super().decode(s, *args)


class _InterruptibleDecoder(_Decoder):
    """The same decoder in Python: 1.2 million empty lists, parsed in C, blocked all other threads for 2.7 s."""

    def __init__(self) -> None:
        super().__init__()
        self.scan_once = py_make_scanner(self)


# The number of lists and strings that are parsed in C, in about 0.1 s.
_MAX_C_PARSED = 50_000

# The largest number of characters of a key in a message.
_MAX_KEY_CHARACTERS = 100


def _strings(value: object) -> Iterator[str]:
    """Every string in a JSON value, including keys."""
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


# Not `int`, which the parser calls without switching threads: 14 million numbers blocked all other threads for 0.9 s.
def _integer(text: str) -> int:
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"the number {text[:40]} is too large for a 64-bit float")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a JSON number; use null for a value that is absent")
