"""Blobs on this machine's disk, by digest, shared by all its processes: datasets, models."""

import os
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from pippin.blobs import Blobs
from pippin.datasets.arrays import open_arrays
from pippin.scratch import scratch_folder, sweep

T = TypeVar("T")

_ENTRY = re.compile(r"[0-9a-f]{64}")
_TRIES = 3
_FETCH = ".fetch-"


def sweep_downloads(folder: Path) -> None:
    """Remove from the folder of a cache what a process that was killed had half fetched."""
    sweep(folder, _FETCH)


class BlobCache:
    """A folder of blobs. The ones used longest ago go first once they take more than `limit` bytes together.

    A digest names its content, so an entry is never stale. Several processes may use one folder: entries appear whole,
    and one that is removed while it is mapped stays readable to who has mapped it.
    """

    def __init__(self, folder: Path, limit: int, blobs: Blobs) -> None:
        self._folder = folder
        self._limit = limit
        self._blobs = blobs

    def open(self, digest: str, reader: Callable[[Path], T]) -> T:
        """What `reader` makes of the file of the blob `digest` (`sha256:<hex>`), fetched first if it is not here.

        Raises:
            BlobError: The blob is gone or damaged, or the store cannot be reached.
            Exception: What `reader` raises.
        """
        entry = self._folder / digest.removeprefix("sha256:")
        for _ in range(_TRIES):
            self._touch_or_fetch(digest, entry)
            # Another process may have removed it since.
            with suppress(FileNotFoundError):
                return reader(entry)
        return reader(entry)

    def arrays(self, digest: str) -> Mapping[str, NDArray[Any]]:
        """The arrays of the dataset `digest`, memory-mapped.

        Raises:
            BlobError: As `open` does.
            DatasetError: The blob is not a dataset.
        """
        return self.open(digest, open_arrays)

    def data(self, digest: str) -> bytes:
        """The whole content of the blob `digest`.

        Raises:
            BlobError: As `open` does.
        """
        return self.open(digest, Path.read_bytes)

    def tidy(self) -> None:
        """Make the folder as small as it may be, and take abandoned downloads out of it."""
        with suppress(FileNotFoundError):
            self._make_room(None)

    def _touch_or_fetch(self, digest: str, entry: Path) -> None:
        try:
            os.utime(entry)
        except FileNotFoundError:
            self._fetch(digest, entry)
            self._make_room(entry)

    def _fetch(self, digest: str, entry: Path) -> None:
        with scratch_folder(self._folder, _FETCH) as folder:
            fetched = folder / entry.name
            self._blobs.fetch(digest, fetched)
            # Without this, a power cut after the rename could leave a whole name on an empty file.
            with fetched.open("rb") as file:
                os.fsync(file.fileno())
            fetched.replace(entry)

    def _make_room(self, newest: Path | None) -> None:
        sweep_downloads(self._folder)
        entries = []
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):
                entries.append((path.stat().st_mtime, path.stat().st_size, path))
        kept = [entry for entry in sorted(entries) if _ENTRY.fullmatch(entry[2].name)]
        total = sum(size for _, size, _ in kept)
        for _, size, path in kept:
            if total <= self._limit:
                break
            if path != newest:
                path.unlink(missing_ok=True)
                total -= size
