"""Folders on the disk of PIPPIN_HOME, in which requests keep files while they are answered."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pippin.settings import Settings
from pippin.system.folders import scratch_folder, sweep


@contextmanager
def work_folder(settings: Settings) -> Iterator[Path]:
    """An empty folder, deleted afterwards. The temporary folder of the system may be in memory."""
    with scratch_folder(_parent(settings)) as folder:
        yield folder


def sweep_work_folders(settings: Settings) -> None:
    """Delete the folders of a service that was killed."""
    sweep(_parent(settings))


def _parent(settings: Settings) -> Path:
    return settings.home / "uploads"
