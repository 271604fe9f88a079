"""Backups: all records of one moment, and every blob that they name, in a folder."""

from pippin.backup.errors import BackupError
from pippin.backup.progress import Progress
from pippin.backup.restore import Restored, restore
from pippin.backup.save import Saved, save

__all__ = ["BackupError", "Progress", "Restored", "Saved", "restore", "save"]
