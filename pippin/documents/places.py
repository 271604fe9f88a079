"""The lines of values in the text of a document."""

from collections.abc import Mapping

from pippin.documents import yaml12
from pippin.documents.errors import MalformedDocumentError, Place

# A document that a person wrote; a larger one has weights, and reading it once more takes seconds.
_MAX_CHARACTERS = 300_000


def places_in(text: str) -> dict[str, Place]:
    """The place of each value of a JSON or YAML text, by JSON pointer; empty for a text over 300,000 characters.

    YAML 1.2 contains JSON, so that one parser finds the places in both.
    """
    if len(text) > _MAX_CHARACTERS:
        return {}
    try:
        return yaml12.parse(text)[1]
    except MalformedDocumentError:
        return {}


def place_of(pointer: str, places: Mapping[str, Place]) -> Place | None:
    """The place of a value or, if it is missing, of the nearest parent that exists."""
    while pointer and pointer not in places:
        pointer = pointer.rpartition("/")[0]
    return places.get(pointer)
