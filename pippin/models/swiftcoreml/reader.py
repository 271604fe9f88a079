"""Shared parts of reading a SwiftCoreMLTools document: faults, notes, and the origins of values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pippin.documents.hints import Hints
from pippin.errors import Fault, FaultyDocumentError, pointer
from pippin.models.spec.explain import shown


class SwiftDocumentError(FaultyDocumentError):
    """A document cannot be translated; carries every fault, with pointers from the document's root."""


@dataclass(frozen=True, slots=True)
class Place:
    """The origin of a value of the spec.

    Attributes:
        pointer: The pointer into the SwiftCoreMLTools document; its target may be missing there.
        is_same_inside: Whether the value has the same structure there, so that deeper pointers are the same in both.
    """

    pointer: str
    is_same_inside: bool = False


@dataclass(frozen=True)
class Translation:
    """A SwiftCoreMLTools document in the spec language.

    Attributes:
        spec: The document in the spec language, not yet validated.
        notes: Corrected, filled in and ignored values, each with a pointer into the SwiftCoreMLTools document.
        places: The origins of the spec's values, by pointer into the spec; always includes the root.
    """

    spec: dict[str, Any]
    notes: tuple[Fault, ...]
    places: Mapping[str, Place] = field(repr=False, default_factory=lambda: {"": Place("")})

    def original(self, pointer: str) -> str:
        """The pointer into the SwiftCoreMLTools document that is closest to `pointer` into the spec."""
        known = pointer
        while known and known not in self.places:
            known = known.rpartition("/")[0]
        place = self.places[known]
        return place.pointer + pointer.removeprefix(known) if place.is_same_inside else place.pointer


Object = Mapping[str, object]


class Reader:
    """Collects faults, notes and origins while one document is read; a fault does not stop the reading.

    The pointers `at` and `theirs` refer to the document, the pointer `ours` to the spec.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.notes: list[Fault] = []
        self._hints = Hints()
        self.places: dict[str, Place] = {"": Place("")}

    def fault(self, at: str, detail: str) -> None:
        """Record a value that cannot be translated."""
        self.faults.append(Fault(at, detail))

    def note(self, at: str, detail: str) -> None:
        """Record a value that was corrected, filled in or ignored."""
        self.notes.append(Fault(at, detail))

    def place(self, ours: str, theirs: str, *, is_same_inside: bool = False) -> None:
        """Record the origin of the value at `ours`."""
        self.places[ours] = Place(theirs, is_same_inside)

    def mapping(self, value: object, at: str, what: str) -> Object | None:
        """`value` if it is an object; otherwise None and a fault."""
        if not isinstance(value, dict):
            self.fault(at, f"found {shown(value)}; needs an object: {what}")
            return None
        return value

    def fields(self, value: object, at: str, what: str) -> Object | None:
        """`value` without null entries if it is an object; otherwise None and a fault."""
        document = self.mapping(value, at, what)
        return None if document is None else {key: entry for key, entry in document.items() if entry is not None}

    def entries(self, value: object, at: str, what: str) -> Sequence[object] | None:
        """`value` if it is a list; otherwise None and a fault."""
        if not isinstance(value, list):
            self.fault(at, f"found {shown(value)}; needs a list of {what}")
            return None
        return value

    def tagged(self, value: object, at: str, known: Collection[str]) -> tuple[str, Object] | None:
        """The type and the fields of a layer, a loss or an optimizer: `{"type": …, "base": {…}}`."""
        fields = self.fields(value, at, "type and base")
        if fields is None:
            return None
        self.keys(fields, at, always=(), known=("type", "base"))
        kind = self.word(fields.get("type"), at + "/type", known)
        base = self.fields(fields.get("base"), at + "/base", "the fields of the type")
        return None if kind is None or base is None else (kind, base)

    def word(self, value: object, at: str, known: Collection[str]) -> str | None:
        """`value` if it is one of the `known` words; otherwise None and a fault."""
        if isinstance(value, str) and value in known:
            return value
        listed = ", ".join(known)
        if value is None:
            self.fault(at, f"is required: one of {listed}")
        else:
            self.fault(at, f"found {shown(value)}; needs one of {listed}{self._did_you_mean(value, known)}")
        return None

    def keys(self, document: Object, at: str, *, always: Collection[str], known: Collection[str]) -> None:
        """Note which of the `always` written keys are missing and which keys of the document are not `known`."""
        missing = [key for key in always if key not in document]
        if missing:
            self.note(
                at,
                f"found no {_listed(missing)}, which SwiftCoreMLTools always writes; using the spec's defaults, if "
                "there are any",
            )
        unknown = [key for key in document if key not in known]
        if unknown:
            self.note(at, f"found {_listed(unknown)}, which SwiftCoreMLTools does not know; ignored, as it does")

    def _did_you_mean(self, value: object, known: Collection[str]) -> str:
        """A hint at the intended word, ignoring case since Swift's words are in camel case."""
        lowered = {word.lower(): word for word in known}
        suggestion = self._hints.suggestion_for(value, lowered) if isinstance(value, str) else None
        return f"; did you mean {lowered[suggestion]!r}?" if suggestion else ""


def at_key(at: str, key: str) -> str:
    """The pointer to the value of `key` in the object at `at`."""
    return at + pointer(key)


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return ", ".join(map(shown, keys[:5])) + more
