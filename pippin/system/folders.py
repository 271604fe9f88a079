"""Private folders, and scratch folders that are removed even when their process is killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_private_folder(path: Path) -> None:
    """Make a folder and those above it that are absent, all with mode 700.

    `Path.mkdir(parents=True)` gives its mode to the last one only, and one above it may be a PIPPIN_HOME, which is used
    later only if it is closed to other users.
    """
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def scratch_folder(parent: Path, prefix: str = "") -> Iterator[Path]:
    """An empty folder in `parent` (made if absent), gone afterwards.

    It is locked as long as this process lives, so that `sweep` can tell it from one whose process was killed.

    Args:
        parent: On the disk whose room is needed; the system's own temporary folder may be in memory.
        prefix: Begins its name.
    """
    make_private_folder(parent)
    with _locked(parent, fcntl.LOCK_SH):  # no sweep comes between making and locking it
        folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        lock = _lock(folder, fcntl.LOCK_EX)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def sweep(parent: Path, prefix: str = "") -> None:
    """Remove the scratch folders in `parent`, or those whose names begin with `prefix`, whose processes were killed."""
    with suppress(FileNotFoundError), _locked(parent, fcntl.LOCK_EX):
        for folder in parent.glob(f"{prefix}*"):
            # Held by its living process, or gone by itself in this moment.
            with suppress(BlockingIOError, FileNotFoundError):
                lock = _lock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
                os.close(lock)


@contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    lock = _lock(folder, how)
    try:
        yield
    finally:
        os.close(lock)


def _lock(folder: Path, how: int) -> int:
    """The descriptor of a folder that is locked until it is closed."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
