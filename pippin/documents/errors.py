"""The one error of this part of the house."""

from dataclasses import dataclass

from pippin.errors import PippinError


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a text; both count from 1."""

    line: int
    column: int


class MalformedDocumentError(PippinError):
    """A text that is not JSON or not YAML, or that holds what JSON cannot.

    Attributes:
        place: Where, when it is known and the text does not say it.
    """

    def __init__(self, detail: str, place: Place | None = None) -> None:
        self.place = place
        super().__init__(detail)

    @property
    def located(self) -> str:
        """The text with the place, if it is known."""
        return f"{self} at line {self.place.line}, column {self.place.column}" if self.place else str(self)


class RepeatedKeyError(MalformedDocumentError):
    """A text that is JSON but for an object that has a key twice, of which one value would be lost."""
