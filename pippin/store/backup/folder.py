"""A backup's folder.

    manifest.json            the contents of the backup; written last, so a folder without a manifest is no backup
    records-<id>.jsonl.gz    the keys of all records, one a line; of several lines about one key the last line counts
    blobs-<id>.txt.gz        `<sha256 in hex> <size in bytes>` of every blob of the backup, one a line
    blobs/<2 digits>/<hex>   the blobs, which later backups into the same folder share

A new backup does not touch the files of the previous backup until the new manifest has replaced the previous one.
"""

import fcntl
import gzip
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pippin.store.errors import BackupError
from pippin.store.snapshot import KeyCopy

FORMAT = 1
_MANIFEST = "manifest.json"
_BLOBS = "blobs"
_LOCK = "lock"
_OURS = re.compile(r"manifest\.json|lock|blobs|(records|blobs)-[^/]+\.gz|\..+\.part")
_CHUNK = 2**20


class ListedFile(BaseModel):
    """A file that the manifest names.

    Attributes:
        name: File name in the backup's folder.
        sha256: SHA-256 of its content, in hex.
        lines: Number of lines after unpacking.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^(records|blobs)-[0-9A-Za-z-]+\.(jsonl|txt)\.gz$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    lines: int = Field(ge=0)


class BackupManifest(BaseModel):
    """The contents of a backup. Fields that a later Pippin adds are ignored.

    Attributes:
        format: The layout's version; a version above `FORMAT` is refused.
        pippin: The version of Pippin that made the backup.
        created_at: Time of the backup, ISO 8601.
        moment: Time as of which the records were copied, in microseconds of Redis TIME.
        records: The file with the records.
        blobs: The file with the list of blobs.
        blob_bytes: Total size of the blobs.
        missing: Digests of blobs that records name and that were missing or damaged in the store.
    """

    model_config = ConfigDict(frozen=True)

    format: int
    pippin: str
    created_at: str
    moment: int
    records: ListedFile
    blobs: ListedFile
    blob_bytes: int = Field(ge=0)
    missing: tuple[str, ...] = ()


class Folder:
    """A backup's folder, accessible only to its owner.

    Args:
        path: Path of the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def opened_for_writing(self) -> Iterator[None]:
        """Make the folder if it does not exist, and lock it against other backups for the block.

        Raises:
            BackupError: The folder holds other files, cannot be written to, or is locked by another backup.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            other = next((each.name for each in self.path.iterdir() if not _OURS.fullmatch(each.name)), None)
            if other is not None:
                raise BackupError(
                    f"{self.path} contains {other}, which is not part of a backup: name an empty folder, a new one, "
                    "or that of an earlier backup"
                )
            self.path.chmod(0o700)
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BackupError(f"{self.path} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise BackupError(f"another backup is running in {self.path}") from None
        finally:
            os.close(lock)

    def manifest(self) -> BackupManifest:
        """The manifest.

        Raises:
            BackupError: The manifest is missing or damaged, or a newer Pippin made it.
        """
        try:
            text = (self.path / _MANIFEST).read_text()
        except FileNotFoundError:
            begun = (self.path / _LOCK).exists()
            why = "a backup there did not finish" if begun else "it has no manifest.json"
            raise BackupError(f"{self.path} contains no complete backup: {why}") from None
        except (OSError, ValueError) as error:
            raise BackupError(f"{self.path / _MANIFEST} cannot be read: {error}") from error
        try:
            document = json.loads(text)
            version = document["format"]
            if isinstance(version, int) and version > FORMAT:
                made_by = document.get("pippin", "a newer version")
                raise BackupError(
                    f"{self.path} has the format {version}, made by Pippin {made_by}; this one reads up to {FORMAT}"
                )
            return BackupManifest.model_validate(document)
        except (ValueError, KeyError, TypeError, ValidationError):
            raise BackupError(f"{self.path / _MANIFEST} is damaged") from None

    def write_manifest(self, manifest: BackupManifest) -> None:
        """Replace the manifest in one step, and remove files that only the previous manifest named."""
        with _replacing(self.path / _MANIFEST) as file:
            file.write(manifest.model_dump_json(indent=2).encode() + b"\n")
        keep = {manifest.records.name, manifest.blobs.name}
        for path in (*self.path.glob("records-*.gz"), *self.path.glob("blobs-*.gz"), *self.path.glob(".*.part")):
            if path.name not in keep:
                path.unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator["LineWriter"]:
        """A new gzip file of lines; it appears complete or not at all."""
        with _replacing(self.path / name) as file, gzip.open(file, "wb", compresslevel=4) as packed:
            yield LineWriter(packed)

    def describe(self, name: str, lines: int) -> ListedFile:
        """The manifest's entry for a written file."""
        return ListedFile(name=name, sha256=_sha256(self.path / name), lines=lines)

    def lines(self, listed: ListedFile) -> Iterator[str]:
        """The lines of a file that the manifest names and `verify` has checked."""
        try:
            with gzip.open(self.path / listed.name, "rt", encoding="ascii") as file:
                yield from file
        except (OSError, EOFError, ValueError) as error:
            raise BackupError(f"{self.path / listed.name} cannot be read: {error}") from error

    def verify(self, listed: ListedFile) -> None:
        """Check that a file that the manifest names has the recorded digest.

        Raises:
            BackupError: The file is missing or damaged.
        """
        path = self.path / listed.name
        try:
            intact = _sha256(path) == listed.sha256
        except FileNotFoundError:
            raise BackupError(f"{self.path} is incomplete: {listed.name} is missing") from None
        except OSError as error:
            raise BackupError(f"{path} cannot be read: {error.strerror}") from error
        if not intact:
            raise BackupError(f"{path} is damaged: its SHA-256 is not the one in the manifest")

    def make_parent(self, name: str) -> None:
        """Make the folders for the blob."""
        folder = self.blob(name).parent
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)

    def sync_blobs(self) -> None:
        """Flush the directory entries of all blobs to disk (fsync)."""
        blobs = self.path / _BLOBS
        for folder in (*blobs.iterdir(), blobs, self.path):
            _sync_folder(folder)

    def blob(self, name: str) -> Path:
        """The path of a blob, given its 64 hex digits."""
        return self.path / _BLOBS / name[:2] / name

    def stored_blobs(self) -> Iterator[Path]:
        """Every file below `blobs`."""
        return (path for path in (self.path / _BLOBS).glob("*/*") if path.is_file())


class LineWriter:
    """Writes lines and counts them."""

    def __init__(self, file: gzip.GzipFile) -> None:
        self._file = file
        self.count = 0

    def write(self, line: str) -> None:
        """Write one line of ASCII."""
        self._file.write(line.encode("ascii") + b"\n")
        self.count += 1


@contextmanager
def _replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file of mode 0600 that replaces `path` when the block ends without an error, flushed to disk (fsync)."""
    temporary = path.with_name(f".{path.name}.part")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        _sync_folder(path.parent)
    except BaseException:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise


def _sync_folder(path: Path) -> None:
    """Flush a folder's entries to disk (fsync)."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sha256(path: Path) -> str:
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()


class Progress(NamedTuple):
    """Progress of a backup or restore.

    Attributes:
        doing: The current step, for example `copying blobs`.
        done: Number of keys, blobs or files that are done.
        total: Number of all of them; None where it is not known before the end.
        bytes: Bytes done so far; 0 for steps that count items only.
    """

    doing: str
    done: int
    total: int | None = None
    bytes: int = 0


Report = Callable[[Progress], None]
"""Called often, for every item: it must limit its own cost."""


_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def encoded(copy: KeyCopy) -> str:
    """A key as one line of ASCII; bytes that are not UTF-8 become lone surrogates."""
    return json.dumps([copy.key, copy.type, copy.value, copy.expires_at], separators=(",", ":"))


def decoded(line: str) -> KeyCopy:
    """The key in a line.

    Raises:
        BackupError: The line does not hold a key.
    """
    try:
        key, type_, value, expires_at = json.loads(line)
        return KeyCopy(str(key), str(type_), value, expires_at)
    except (ValueError, TypeError, RecursionError):
        raise BackupError("a line of the records cannot be read") from None


def digests_in(line: str) -> Iterator[bytes]:
    """The digests of all blobs that a line names in any field, so that the fields may differ between versions."""
    return (bytes.fromhex(match) for match in _DIGEST.findall(line))
