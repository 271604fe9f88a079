"""Folders that are closed to other users, from the first that is made."""

from pathlib import Path


def make_private_folder(path: Path) -> None:
    """Make a folder and those above it that are absent, all with mode 700.

    `Path.mkdir(parents=True)` gives its mode to the last one only, and one above it may be a PIPPIN_HOME, which is used
    later only if it is closed to other users.
    """
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)
