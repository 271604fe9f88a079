"""Reads YAML with the values of JSON, and records the place of each value.

PyYAML implements YAML 1.1, where `1e-8` is text, `no` is false and `12:30` is 750. This loader implements the core
schema of YAML 1.2 (section 10.3), whose values are the values of JSON. It reads event by event: a tree of nodes would
take a kilobyte for each number.
"""

import math
import re
from typing import Any

import yaml

from pippin.documents.errors import MalformedDocumentError, Place
from pippin.errors import pointer

MAX_LEVELS = 100
"""The limit on the depth of nested lists and mappings. The time of the parser grows with the square of the depth."""

MAX_REPEATED = 10_000
"""The limit on the values that all aliases together refer to: a few short aliases can refer to billions of values."""

MAX_DIRECTIVES = 10
"""The limit on the lines that declare tags, which have no effect in this loader."""

_TAG_DIRECTIVE = re.compile(r"^%TAG\b", re.MULTILINE)


# The parser of libyaml: the parser in Python takes 50 microseconds for each number, eighteen times as long.
class _Parser(yaml.CSafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - as PyYAML declares it


_PREFIX = "tag:yaml.org,2002:"

for _tag, _pattern, _first in (
    ("null", r"null|Null|NULL|~|", [*"nN~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
):
    _Parser.add_implicit_resolver(f"{_PREFIX}{_tag}", re.compile(f"(?:{_pattern})$"), _first)


def parse(text: str) -> tuple[Any, dict[str, Place]]:
    """The value of `text`, and the place of each value in it by JSON pointer.

    Raises:
        MalformedDocumentError: The text is not YAML, or has a value that JSON cannot have.
    """
    places: dict[str, Place] = {}
    return _read(text, places), places


def loads(text: str) -> Any:  # noqa: ANN401 - any JSON value
    """The value of `text`.

    Raises:
        MalformedDocumentError: The text is not YAML, or has a value that JSON cannot have.
    """
    return _read(text, None)


def _read(text: str, places: dict[str, Place] | None) -> Any:  # noqa: ANN401 - any JSON value
    _check_directives(text)
    parser = _Parser(text)
    reader = _Reader(parser, places)
    try:
        while (event := parser.get_event()) is not None:
            reader.take(event)
    except yaml.MarkedYAMLError as error:
        detail = " ".join(part for part in (error.context, error.problem) if part)
        mark = error.problem_mark or error.context_mark
        raise MalformedDocumentError(detail, None if mark is None else _place(mark)) from error
    except yaml.reader.ReaderError as error:
        # The position of this error is in bytes.
        character = len(text.encode()[: error.position].decode(errors="ignore")) + 1
        raise MalformedDocumentError(f"character {character} cannot stand in YAML: {error.reason}") from error
    finally:
        parser.dispose()
    return reader.value


def _check_directives(text: str) -> None:
    # The parser compares each directive with all earlier ones: 20,000 directives took 2 s. JSON has no tags.
    for number, directive in enumerate(_TAG_DIRECTIVE.finditer(text), 1):
        if number > MAX_DIRECTIVES:
            line = text.count("\n", 0, directive.start()) + 1
            raise MalformedDocumentError(
                f"it has more than {MAX_DIRECTIVES} lines that begin with %TAG", Place(line, 1)
            )


class _OpenCollection:
    """A list or mapping whose end has not been read.

    Args:
        value: The list or mapping.
        at: The pointer to the list or mapping.
        anchor: The anchor; None for a value without an anchor.
        before: The number of values in the document before this one.
    """

    def __init__(self, value: list[Any] | dict[str, Any], at: str, anchor: str | None, before: int) -> None:
        self.value = value
        self.anchor = anchor
        self.before = before
        self._at = at
        self._key: str | None = None

    @property
    def awaits_key(self) -> bool:
        """Whether a key is next."""
        return self._key is None and isinstance(self.value, dict)

    @property
    def at(self) -> str:
        """The pointer to the next value."""
        return self._at + pointer(len(self.value) if self._key is None else self._key)

    def take_key(self, key: str, place: Place) -> None:
        """Set the key of the next value."""
        if key in self.value:
            raise MalformedDocumentError(f"the key {key!r} occurs a second time", place)
        self._key = key

    def take(self, value: object) -> None:
        """Add the next value."""
        if isinstance(self.value, list):
            self.value.append(value)
        else:
            assert self._key is not None
            self.value[self._key] = value
        self._key = None


class _Reader:
    """Builds the value of one document from the parser's events.

    Attributes:
        value: The value of the document; None until the value is read.
    """

    def __init__(self, parser: _Parser, places: dict[str, Place] | None) -> None:
        self.value: Any = None
        self._parser = parser
        self._places = places
        self._open: list[_OpenCollection] = []
        self._documents = 0
        self._values = 0
        self._repeated = 0
        # By anchor: a value, and the number of values in it; None until the end of the value is read.
        self._anchored: dict[str, tuple[Any, int] | None] = {}

    def take(self, event: yaml.Event) -> None:
        place = _place(event.start_mark)
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event, place)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(event, place)
        elif isinstance(event, yaml.SequenceStartEvent):
            self._begin(event, [], "seq", place)
        elif isinstance(event, yaml.MappingStartEvent):
            self._begin(event, {}, "map", place)
        elif isinstance(event, yaml.CollectionEndEvent):
            ended = self._open.pop()
            self._anchor(ended.anchor, ended.value, ended.before)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise MalformedDocumentError("expected a single document, but found another", place)

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> None:
        if self._awaits_key:
            self._open[-1].take_key(event.value, place)
            # The place of a value is that of its key; for a block, the key is one line earlier and easier to find.
            self._record_place(place)
            return
        tag = event.tag
        if tag is None or tag == "!":
            tag = self._parser.resolve(yaml.ScalarNode, event.value, event.implicit)  # type: ignore[no-untyped-call]
        before = self._values
        value = _scalar(tag, event.value, place)
        self._put(value, place)
        self._anchor(event.anchor, value, before)

    def _alias(self, event: yaml.AliasEvent, place: Place) -> None:
        self._refuse_as_key(place)
        if event.anchor not in self._anchored:
            raise MalformedDocumentError(f"no earlier value has the anchor {event.anchor!r}", place)
        anchored = self._anchored[event.anchor]
        if anchored is None:
            raise MalformedDocumentError("an alias is inside the value that it refers to", place)
        value, size = anchored
        self._repeated += size
        if self._repeated > MAX_REPEATED:
            raise MalformedDocumentError(f"the aliases up to here expand to more than {MAX_REPEATED:,} values", place)
        self._put(value, place)
        self._values += size - 1

    def _begin(
        self, event: yaml.CollectionStartEvent, value: list[Any] | dict[str, Any], kind: str, place: Place
    ) -> None:
        self._refuse_as_key(place)
        if event.tag not in {None, "!", _PREFIX + kind}:
            raise _unknown_tag(event.tag, place)
        if len(self._open) == MAX_LEVELS:
            raise MalformedDocumentError(f"it is nested too deeply; needs at most {MAX_LEVELS} levels", place)
        before, at = self._values, self._at
        self._put(value, place)
        if event.anchor is not None:
            self._anchored[event.anchor] = None
        self._open.append(_OpenCollection(value, at, event.anchor, before))

    @property
    def _awaits_key(self) -> bool:
        return bool(self._open) and self._open[-1].awaits_key

    @property
    def _at(self) -> str:
        return self._open[-1].at if self._open else ""

    def _refuse_as_key(self, place: Place) -> None:
        if self._awaits_key:
            raise MalformedDocumentError("a key must be text", place)

    def _put(self, value: object, place: Place) -> None:
        """Add a value to its list or mapping."""
        self._record_place(place)
        self._values += 1
        if self._open:
            self._open[-1].take(value)
        else:
            self.value = value

    def _record_place(self, place: Place) -> None:
        """Record `place` for the next value, unless a place is already recorded."""
        if self._places is not None:
            self._places.setdefault(self._at, place)

    def _anchor(self, anchor: str | None, value: object, before: int) -> None:
        if anchor is not None:
            self._anchored[anchor] = (value, self._values - before)


def _scalar(tag: str, text: str, place: Place) -> Any:  # noqa: ANN401 - any JSON value
    try:
        match tag.removeprefix(_PREFIX):
            case "str":
                return text
            case "null":
                return None
            case "bool":
                return text.lower() == "true"
            case "int":
                return int(text)
            case "float":
                number = float(text)
            case _:
                raise _unknown_tag(tag, place)
    except ValueError as error:
        raise MalformedDocumentError(f"{text[:40]!r} is not a number that can be read", place) from error
    if not math.isfinite(number):
        raise MalformedDocumentError(f"{text[:40]!r} is too large for a number", place)
    return number


def _unknown_tag(tag: str, place: Place) -> MalformedDocumentError:
    return MalformedDocumentError(f"the tag {tag} is not supported", place)


def _place(mark: Any) -> Place:  # noqa: ANN401 - one of two classes, and one of the two has no types
    return Place(mark.line + 1, mark.column + 1)
