"""What becomes of a SwiftCoreMLTools document."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pippin.errors import Fault


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
