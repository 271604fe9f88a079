"""Backups: a folder with all records as of one moment and every blob that these records name."""

from pippin.store.backup.folder import Progress
from pippin.store.backup.restore import Restored, restore
from pippin.store.backup.save import Saved, save
from pippin.store.errors import BackupError

__all__ = ["BackupError", "Progress", "Restored", "Saved", "restore", "save"]
