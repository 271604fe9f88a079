"""A cache of blobs (datasets, models) on this machine's disk, by digest, shared by all its processes."""

import os
import re
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import structlog

from pippin.blobs import BlobDamagedError, Blobs
from pippin.system.digests import digest_of
from pippin.system.folders import scratch_folder, sweep

T = TypeVar("T")

_log = structlog.stdlib.get_logger(__name__)

_ENTRY = re.compile(r"[0-9a-f]{64}")
_TRIES = 4
_FETCH = ".fetch-"
_USED = ".used"
# Identities of verified files, about 200 bytes each.
_MAX_VERIFIED = 10_000


def sweep_downloads(folder: Path) -> None:
    """Remove incomplete downloads of killed processes from the folder of a cache."""
    sweep(folder, _FETCH)


@dataclass(frozen=True)
class FileIdentity:
    """Attributes of a file that change when its content changes.

    No program can set the ctime, so it shows edits that restore the mtime. A rename and a removal also set the ctime,
    although the content does not change.
    """

    device: int
    inode: int
    size: int
    mtime_ns: int
    ctime_ns: int

    @classmethod
    def of(cls, status: os.stat_result) -> "FileIdentity":
        """The identity of a file with this status."""
        return cls(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


class BlobCache:
    """A folder of blobs. The least recently used ones are removed once all take more than `limit` bytes together.

    A digest determines the content, so an entry is never stale. The content is verified at its first use by this
    process and whenever the file has changed since; a damaged copy is fetched again. Several processes may use one
    folder: entries appear complete, and an entry that is removed while it is mapped stays readable through the mapping.
    """

    def __init__(self, folder: Path, limit: int, blobs: Blobs) -> None:
        self._folder = folder
        self._limit = limit
        self._blobs = blobs
        self._verified: dict[str, FileIdentity] = {}

    def open(self, digest: str, reader: Callable[[Path], T]) -> T:
        """The result of `reader` for the file of the blob `digest` (`sha256:<hex>`), which is fetched if not cached.

        Raises:
            BlobError: The blob is missing or damaged, or the store cannot be reached.
            Exception: Any exception that `reader` raises.
        """
        entry = self._folder / digest.removeprefix("sha256:")
        for remaining in reversed(range(_TRIES)):
            try:
                identity = self._verified_entry(digest, entry)
                result = reader(entry)
            except FileNotFoundError:
                # Another process may remove the entry at any moment.
                if not remaining:
                    raise
                continue
            if identity == _identity_or_none(entry, identity):
                return result
        raise BlobDamagedError(f"the cached copy of the blob {digest} changed while it was read")

    def data(self, digest: str) -> bytes:
        """The whole content of the blob `digest`.

        Raises:
            BlobError: As `open` does.
        """
        return self.open(digest, Path.read_bytes)

    def tidy(self) -> None:
        """Reduce the folder to its limit, and remove abandoned downloads."""
        with suppress(FileNotFoundError):
            self._evict_oldest(None)

    def _verified_entry(self, digest: str, entry: Path) -> FileIdentity:
        """The identity of the entry's verified file; the blob is fetched if the file is absent or damaged.

        Raises:
            FileNotFoundError: Another process removed the entry.
            BlobError: As `open` does.
        """
        identity = _identity_or_none(entry)
        if identity is not None and identity != self._verified.get(digest):
            if _is_intact(entry):
                self._remember(digest, identity)
            else:
                _log.warning("the cached copy of a blob is damaged; downloading it again", blob=digest)
                _remove(entry)
                identity = None
        if identity is None:
            self._fetch(digest, entry)
            identity = FileIdentity.of(entry.stat())
            self._remember(digest, identity)
            self._evict_oldest(entry)
        self._mark_used(entry)
        return identity

    def _remember(self, digest: str, identity: FileIdentity) -> None:
        if len(self._verified) >= _MAX_VERIFIED:
            self._verified.clear()
        self._verified[digest] = identity

    def _mark_used(self, entry: Path) -> None:
        # Not the entry's own time: its change would make every process verify the entry again.
        marks = self._folder / _USED
        marks.mkdir(mode=0o700, exist_ok=True)
        (marks / entry.name).touch()

    def _fetch(self, digest: str, entry: Path) -> None:
        with scratch_folder(self._folder, _FETCH) as folder:
            fetched = folder / entry.name
            self._blobs.fetch(digest, fetched)
            # Without this, a power cut after the rename could leave an empty file under the final name.
            with fetched.open("rb") as file:
                os.fsync(file.fileno())
            fetched.replace(entry)

    def _evict_oldest(self, newest: Path | None) -> None:
        sweep_downloads(self._folder)
        entries = []
        for path in self._folder.iterdir():
            if _ENTRY.fullmatch(path.name):
                with suppress(FileNotFoundError):
                    entries.append((self._last_use(path), path.stat().st_size, path))
        total = sum(size for _, size, _ in entries)
        for _, size, path in sorted(entries):
            if total <= self._limit:
                break
            if path != newest:
                path.unlink(missing_ok=True)
                (self._folder / _USED / path.name).unlink(missing_ok=True)
                total -= size

    def _last_use(self, entry: Path) -> float:
        with suppress(FileNotFoundError):
            return (self._folder / _USED / entry.name).stat().st_mtime
        return entry.stat().st_mtime


def _identity_or_none(entry: Path, removed: FileIdentity | None = None) -> FileIdentity | None:
    """The identity of the file at `entry`; `removed` if the file does not exist."""
    try:
        return FileIdentity.of(entry.stat())
    except FileNotFoundError:
        return removed


def _is_intact(entry: Path) -> bool:
    """Whether the entry can be read, and its content matches its name.

    Raises:
        FileNotFoundError: Another process removed the entry.
    """
    try:
        return digest_of(entry)[0] == f"sha256:{entry.name}"
    except FileNotFoundError:
        raise
    except OSError as error:
        _log.warning("the cached copy of a blob cannot be read", blob=entry.name, error=error.strerror)
        return False


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry, ignore_errors=True)
    else:
        entry.unlink(missing_ok=True)
