"""What can go wrong with a backup."""

from pippin.errors import PippinError


class BackupError(PippinError):
    """A backup could not be made or restored; the text says why, and what to do."""
