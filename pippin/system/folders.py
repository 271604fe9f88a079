"""Private folders, and scratch folders that are removed even after their process was killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_private_folder(path: Path) -> None:
    """Make a folder and its missing parents, all with mode 700.

    `Path.mkdir(parents=True)` applies its mode only to the last folder, and a parent may be a PIPPIN_HOME, which is
    later accepted only if other users cannot access it.
    """
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def scratch_folder(parent: Path, prefix: str = "") -> Iterator[Path]:
    """An empty folder in `parent` (made if absent), removed at the end of the block.

    The folder is locked while this process lives, so that `sweep` can distinguish it from folders of killed processes.

    Args:
        parent: A folder on a disk with enough space; the system's own temporary folder may be in memory.
        prefix: Beginning of the folder's name.
    """
    make_private_folder(parent)
    with _locked(parent, fcntl.LOCK_SH):  # no sweep can run between making and locking the folder
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
            # The folder is locked by its live process, or was removed at this moment.
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
    """A descriptor of a folder, which is locked until the descriptor is closed."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor
