"""What all of the reading of a SwiftCoreMLTools document shares: faults, notes, and the places of values."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pippin.documents.hints import Hints
from pippin.errors import Fault, FaultyDocumentError, pointer
from pippin.models.spec.explain import shown


class SwiftDocumentError(FaultyDocumentError):
    """What cannot be translated; carries every fault, with pointers from the root of the document that was given."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value of the spec came from.

    Attributes:
        pointer: Into the SwiftCoreMLTools document; what it points to may be left out there.
        is_same_inside: Whether the value stands there in the same form, so that pointers go on alike in both.
    """

    pointer: str
    is_same_inside: bool = False


@dataclass(frozen=True)
class Translation:
    """A SwiftCoreMLTools document in the spec language.

    Attributes:
        spec: The document of the spec; not checked yet.
        notes: What was corrected, filled in or ignored, each with a pointer into the SwiftCoreMLTools document.
        places: Where the spec's values came from, by their pointer into the spec; the root is always among them.
    """

    spec: dict[str, Any]
    notes: tuple[Fault, ...]
    places: Mapping[str, Place] = field(repr=False, default_factory=lambda: {"": Place("")})

    def original(self, pointer: str) -> str:
        """The pointer into the SwiftCoreMLTools document that comes closest to `pointer` into the spec."""
        known = pointer
        while known and known not in self.places:
            known = known.rpartition("/")[0]
        place = self.places[known]
        return place.pointer + pointer.removeprefix(known) if place.is_same_inside else place.pointer


Object = Mapping[str, object]


class Reader:
    """Gathers what is found on the way through one document; nothing that it finds ends the reading.

    Pointers called `at` or `theirs` are into the document, those called `ours` into the spec.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.notes: list[Fault] = []
        self._hints = Hints()
        self.places: dict[str, Place] = {"": Place("")}

    def fault(self, at: str, detail: str) -> None:
        """Something that cannot be translated."""
        self.faults.append(Fault(at, detail))

    def note(self, at: str, detail: str) -> None:
        """Something that was corrected, filled in or ignored."""
        self.notes.append(Fault(at, detail))

    def place(self, ours: str, theirs: str, *, is_same_inside: bool = False) -> None:
        """Where the value at `ours` came from."""
        self.places[ours] = Place(theirs, is_same_inside)

    def mapping(self, value: object, at: str, what: str) -> Object | None:
        """`value`, where it is an object."""
        if not isinstance(value, dict):
            self.fault(at, f"found {shown(value)}; needs an object: {what}")
            return None
        return value

    def fields(self, value: object, at: str, what: str) -> Object | None:
        """The same for an object whose keys are known: what is null in it counts as left out."""
        document = self.mapping(value, at, what)
        return None if document is None else {key: entry for key, entry in document.items() if entry is not None}

    def entries(self, value: object, at: str, what: str) -> Sequence[object] | None:
        """`value`, where it is a list."""
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
        """`value`, where it is one of the words that are known."""
        if isinstance(value, str) and value in known:
            return value
        listed = ", ".join(known)
        if value is None:
            self.fault(at, f"is required: one of {listed}")
        else:
            self.fault(at, f"found {shown(value)}; needs one of {listed}{self._did_you_mean(value, known)}")
        return None

    def keys(self, document: Object, at: str, *, always: Collection[str], known: Collection[str]) -> None:
        """Notes which keys are missing of those that are `always` written, and which are not even `known`."""
        missing = [key for key in always if key not in document]
        if missing:
            self.note(
                at,
                f"found no {_listed(missing)}, which SwiftCoreMLTools always writes; "
                "the spec's own defaults are taken, where there are any",
            )
        unknown = [key for key in document if key not in known]
        if unknown:
            self.note(at, f"found {_listed(unknown)}, which SwiftCoreMLTools does not know; ignored, as it does")

    def _did_you_mean(self, value: object, known: Collection[str]) -> str:
        """A hint at the word that was meant; Swift's words differ from others in their capitals."""
        lowered = {word.lower(): word for word in known}
        suggestion = self._hints.meant(value, lowered) if isinstance(value, str) else None
        return f"; did you mean {lowered[suggestion]!r}?" if suggestion else ""


def at_key(at: str, key: str) -> str:
    """The pointer to what `key` holds in the object at `at`."""
    return at + pointer(key)


def _listed(keys: Sequence[str]) -> str:
    more = f" and {len(keys) - 5} more" if len(keys) > 5 else ""
    return ", ".join(map(shown, keys[:5])) + more
