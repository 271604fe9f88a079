"""The one error of this part of the house."""

from pippin.errors import FaultyDocumentError


class SwiftDocumentError(FaultyDocumentError):
    """What cannot be translated; carries every fault, with pointers from the root of the document that was given."""
