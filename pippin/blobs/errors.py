"""Exceptions of the blob store."""

from pippin.errors import PippinError


class BlobError(PippinError):
    """An operation of the blob store failed; the text names the operation and the cause."""


class BlobMissingError(BlobError):
    """There is no blob with this name."""


class BlobExistsError(BlobError):
    """An object with this name exists already, and was not to be replaced."""


class BlobDamagedError(BlobError):
    """The blob's content does not match its name."""


class BlobRefusedError(BlobError):
    """The service requires a token, or another token; the text names the setting."""
