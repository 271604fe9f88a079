"""Reads YAML as JSON with less punctuation, and remembers where each value stood.

PyYAML follows YAML 1.1, where `1e-8` is text, `no` is false and `12:30` is 750. This loader knows the core schema of
YAML 1.2 (section 10.3) instead, whose values are those of JSON.
"""

import math
import re
from dataclasses import dataclass
from typing import Any

import yaml

from pippin.faults import PippinError, pointer


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a text; both count from 1."""

    line: int
    column: int


class YamlError(PippinError):
    """A text that is not YAML, or that holds what JSON cannot.

    Attributes:
        place: Where, when it is known.
    """

    def __init__(self, detail: str, place: Place | None) -> None:
        self.place = place
        super().__init__(detail)


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - PyYAML's own way


for _tag, _pattern, _first in (
    ("null", r"null|Null|NULL|~|", [*"nN~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})$"), _first)

_KINDS = frozenset({"null", "bool", "int", "float", "str", "seq", "map"})


def parse(text: str) -> tuple[Any, dict[str, Place]]:
    """The value that `text` describes, and the place of each value in it by JSON pointer.

    Raises:
        YamlError: If it is not YAML, or not a value of JSON.
    """
    places: dict[str, Place] = {}
    try:
        node = yaml.compose(text, _Loader)
        value = None if node is None else _Reader(places).read(node, ())
    except yaml.MarkedYAMLError as error:
        detail = " ".join(part for part in (error.context, error.problem) if part)
        raise YamlError(detail, _place(error.problem_mark or error.context_mark)) from error
    except yaml.reader.ReaderError as error:
        raise YamlError(f"character {error.position + 1} cannot stand in YAML: {error.reason}", None) from error
    except RecursionError as error:
        raise YamlError("it is nested too deeply", None) from error
    return value, places


class _Reader:
    """Walks the nodes of one document."""

    def __init__(self, places: dict[str, Place]) -> None:
        self._places = places
        self._inside: set[int] = set()

    def read(self, node: yaml.Node, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - any JSON value
        place = Place(node.start_mark.line + 1, node.start_mark.column + 1)
        self._places[pointer(*path)] = place
        if id(node) in self._inside:
            raise YamlError("an alias stands inside what it refers to", place)
        self._inside.add(id(node))
        try:
            kind = node.tag.removeprefix("tag:yaml.org,2002:")
            if kind not in _KINDS:
                raise YamlError(f"the tag {node.tag} means nothing here", place)
            if isinstance(node, yaml.MappingNode):
                return self._mapping(node, path)
            if isinstance(node, yaml.SequenceNode):
                return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
            return self._scalar(kind, node.value, place)
        finally:
            self._inside.discard(id(node))

    def _mapping(self, node: yaml.MappingNode, path: tuple[str | int, ...]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key_node, value_node in node.value:
            place = Place(key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            if not isinstance(key_node, yaml.ScalarNode):
                raise YamlError("a key must be text", place)
            key = str(key_node.value)
            if key in found:
                raise YamlError(f"the key {key!r} stands here for the second time", place)
            found[key] = self.read(value_node, (*path, key))
            # A fault of the value is easiest to find by its key, which for a block begins a line earlier.
            self._places[pointer(*path, key)] = place
        return found

    def _scalar(self, kind: str, text: str, place: Place) -> Any:  # noqa: ANN401 - any JSON value
        try:
            match kind:
                case "null":
                    return None
                case "bool":
                    return text.lower() == "true"
                case "int":
                    return int(text)
                case "float":
                    number = float(text)
                case _:
                    return text
        except ValueError as error:
            raise YamlError(f"{text[:40]!r} is not a number that can be read", place) from error
        if not math.isfinite(number):
            raise YamlError(f"{text[:40]!r} is larger than a number can be", place)
        return number


def _place(mark: yaml.Mark | None) -> Place | None:
    return None if mark is None else Place(mark.line + 1, mark.column + 1)
