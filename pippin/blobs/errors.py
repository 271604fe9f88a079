"""What can go wrong with blobs."""

from pippin.errors import PippinError


class BlobError(PippinError):
    """The blob store could not do what was asked; the text says with what and why."""


class BlobMissingError(BlobError):
    """There is no blob of this name."""


class BlobExistsError(BlobError):
    """There is an object of this name already, and it was not to be replaced."""


class BlobDamagedError(BlobError):
    """The blob's content is not what its name says."""


class BlobRefusedError(BlobError):
    """The service wants a token, or another one; the text says which setting names it."""
