"""Conversions of field values between SwiftCoreMLTools and the spec language, in both directions."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from copy import copy
from dataclasses import dataclass
from typing import Any, Final

from pippin.models.spec.explain import shown
from pippin.models.swiftcoreml.reader import Reader, at_key


class Kind(ABC):
    """A conversion between the two forms of a value. None in either direction means that the value is left out."""

    @abstractmethod
    def read(self, value: object, ours: str, theirs: str, reader: Reader) -> object | None:
        """`value` of a SwiftCoreMLTools document in the spec language.

        Args:
            value: The value in the document.
            ours: The pointer to the result in the spec.
            theirs: The pointer to `value` in the document.
            reader: Collects faults and the origins of the result's parts.
        """

    @abstractmethod
    def write(self, value: Any) -> object | None:  # noqa: ANN401 - whatever a resolved spec holds
        """`value` of a resolved spec in SwiftCoreMLTools' form."""


@dataclass(frozen=True)
class Plain(Kind):
    """A value with the same form in both languages; the spec's checks validate it.

    Attributes:
        unset: The file format's value for a field that is not set; the spec language leaves the field out.
    """

    unset: object | None = None

    def read(self, value: object, ours: str, theirs: str, reader: Reader) -> object | None:
        """`value` as it is."""
        reader.place(ours, theirs, is_same_inside=True)
        return None if type(value) is type(self.unset) and value == self.unset else value

    def write(self, value: object) -> object | None:
        """`value` as it is."""
        return copy(self.unset) if value is None else value


class Names(Kind):
    """Names of blobs: always a list in Swift; in the spec language one name is a text, and no name is left out."""

    def read(self, value: object, ours: str, theirs: str, reader: Reader) -> object | None:
        """The name, or the list of several names."""
        reader.place(ours, theirs, is_same_inside=True)
        match value:
            case []:
                reader.note(theirs, "found an empty list; the blobs are inferred as for a spec that leaves them out")
                return None
            case [str() as name]:
                return name
        return value

    def write(self, value: object) -> object | None:
        """The list."""
        return [value] if isinstance(value, str) else value


@dataclass(frozen=True)
class Choice(Kind):
    """A Swift enum with raw values.

    Attributes:
        words: The spec language's value for each raw value.
    """

    words: Mapping[int | str, str]

    def read(self, value: object, ours: str, theirs: str, reader: Reader) -> object | None:
        """The spec language's value."""
        reader.place(ours, theirs)
        # A bool is an int in Python, but not a raw value.
        if isinstance(value, int | str) and not isinstance(value, bool) and value in self.words:
            return self.words[value]
        known = ", ".join(f"{shown(raw)} ({word})" for raw, word in self.words.items())
        reader.fault(theirs, f"found {shown(value)}; needs one of {known}")
        return None

    def write(self, value: object) -> object | None:
        """The raw value; None if the library has no such value."""
        return next((raw for raw, word in self.words.items() if word == value), None)


_HEAVY: Final = Choice({"bottomRightHeavy": "bottom_right_heavy", "topLeftHeavy": "top_left_heavy"})


@dataclass(frozen=True)
class Padding(Kind):
    """An enum with associated values, which Swift's coding writes as an object with the case's name as the only key.

    Attributes:
        cases: The supported cases, in the order in which the library's decoder tries them.
    """

    cases: Collection[str]

    def read(self, value: object, ours: str, theirs: str, reader: Reader) -> object | None:
        """The padding, with a `type`."""
        reader.place(ours, theirs)
        listed = ", ".join(self.cases)
        fields = reader.fields(value, theirs, f"one of {listed}")
        if fields is None:
            return None
        case = next((case for case in self.cases if case in fields), None)
        if case is None:
            reader.fault(theirs, f"found none of {listed}; needs one of them")
            return None
        reader.keys(fields, theirs, always=(), known=self.cases)
        inner, at = fields[case], at_key(theirs, case)
        match case:
            case "same":
                return {"type": "same", "mode": _HEAVY.read(inner, ours + "/mode", at, reader)}
            case "includeLastPixel":
                amounts = Plain(unset=[]).read(inner, ours + "/amounts", at, reader)
                return {"type": "include_last_pixel"} | ({} if amounts is None else {"amounts": amounts})
            case _:
                borders = _borders(inner, ours + "/borders", at, reader)
                return {"type": "valid"} | ({"borders": borders} if borders else {})

    def write(self, value: Any) -> object | None:  # noqa: ANN401 - whatever a resolved spec holds
        """The object with the case's name as the only key."""
        match value:
            case {"type": "same", "mode": mode}:
                return {"same": _HEAVY.write(mode)}
            case {"type": "include_last_pixel", "amounts": amounts}:
                return {"includeLastPixel": amounts}
            case {"type": "valid", "borders": borders}:
                return {"valid": [dict(zip(_EDGES, border, strict=True)) for border in borders]}
        return None


_EDGES: Final = ("startEdgeSize", "endEdgeSize")


def _borders(value: object, ours: str, theirs: str, reader: Reader) -> list[object]:
    """[[top, bottom], [left, right]] of a list of `EdgeSizes`; the list may be empty."""
    reader.place(ours, theirs, is_same_inside=True)
    borders: list[object] = []
    for index, entry in enumerate(reader.entries(value, theirs, "two EdgeSizes") or ()):
        edges = reader.fields(entry, f"{theirs}/{index}", " and ".join(_EDGES))
        if edges is None:
            continue
        reader.keys(edges, f"{theirs}/{index}", always=(), known=_EDGES)
        for side, key in enumerate(_EDGES):
            reader.place(f"{ours}/{index}/{side}", f"{theirs}/{index}/{key}")
        borders.append([edges.get(key) for key in _EDGES])
    return borders


PLAIN: Final = Plain()


@dataclass(frozen=True)
class Field:
    """A field with its names in both languages.

    Attributes:
        ours: The name in the spec language.
        theirs: The name in SwiftCoreMLTools.
        kind: The conversion of the field's values.
    """

    ours: str
    theirs: str
    kind: Kind = PLAIN
