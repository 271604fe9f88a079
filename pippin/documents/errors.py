"""Errors of the parsers of JSON and YAML."""

from dataclasses import dataclass

from pippin.errors import PippinError


@dataclass(frozen=True, slots=True)
class Place:
    """A position in a text; line and column count from 1."""

    line: int
    column: int


class MalformedDocumentError(PippinError):
    """A text is not JSON or not YAML, or has a value that JSON cannot have.

    Attributes:
        place: The position of the fault; None where it is unknown, or where the message already contains it.
    """

    def __init__(self, detail: str, place: Place | None = None) -> None:
        self.place = place
        super().__init__(detail)

    @property
    def located(self) -> str:
        """The message, with the position where `place` has one."""
        return f"{self} at line {self.place.line}, column {self.place.column}" if self.place else str(self)


class RepeatedKeyError(MalformedDocumentError):
    """A text is JSON, except that an object has a key twice, which would lose one of the two values."""
