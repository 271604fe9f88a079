"""Backups: all records of one moment, and every blob that they name, in a folder."""

from pippin.store.backup.folder import Progress
from pippin.store.backup.restore import Restored, restore
from pippin.store.backup.save import Saved, save
from pippin.store.errors import BackupError

__all__ = ["BackupError", "Progress", "Restored", "Saved", "restore", "save"]
