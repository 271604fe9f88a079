"""The one error of this part of the house."""

from pippin.errors import FaultyDocumentError


class SpecError(FaultyDocumentError):
    """A model spec that was refused; carries every fault found, with pointers from the spec's root."""
