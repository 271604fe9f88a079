"""A backup's folder.

    manifest.json            what belongs to the backup; written last, so a folder without one is no backup
    records-<id>.jsonl.gz    the keys of all records, one a line; of several lines about one key the last one counts
    blobs-<id>.txt.gz        `<sha256 in hex> <size in bytes>` of every blob that belongs to it, one a line
    blobs/<2 digits>/<hex>   the blobs, which later backups into the same folder share

A new backup leaves the files of the last one alone until its own manifest has taken the place of the other.
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
        name: In the backup's folder.
        sha256: Of its content, in hex.
        lines: How many it has, unpacked.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern=r"^(records|blobs)-[0-9A-Za-z-]+\.(jsonl|txt)\.gz$")
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    lines: int = Field(ge=0)


class BackupManifest(BaseModel):
    """What belongs to a backup. Fields that a later Pippin adds are ignored.

    Attributes:
        format: The layout's version; a higher one than this Pippin knows is refused.
        pippin: The version that made it.
        created_at: When, ISO 8601.
        moment: Of which moment the records are, in microseconds of Redis TIME.
        records: The file with the records.
        blobs: The file with the list of blobs.
        blob_bytes: What the blobs take together.
        missing: Digests of blobs that records name and the store did not have, or had damaged.
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
    """A backup's folder, closed to all but its owner.

    Args:
        path: Where it is.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @contextmanager
    def opened_for_writing(self) -> Iterator[None]:
        """Make the folder if there is none, and keep other backups out of it for the block.

        Raises:
            BackupError: It holds other files, cannot be written to, or another backup is being made in it.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            other = next((each.name for each in self.path.iterdir() if not _OURS.fullmatch(each.name)), None)
            if other is not None:
                raise BackupError(
                    f"{self.path} holds {other}, which is no part of a backup: name an empty folder, a new one, or "
                    "that of an earlier backup"
                )
            self.path.chmod(0o700)
            lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BackupError(f"{self.path} cannot be used: {error.strerror}") from error
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield
        except BlockingIOError:
            raise BackupError(f"another backup is being made in {self.path}") from None
        finally:
            os.close(lock)

    def manifest(self) -> BackupManifest:
        """The manifest.

        Raises:
            BackupError: There is none, it is damaged, or a newer Pippin made it.
        """
        try:
            text = (self.path / _MANIFEST).read_text()
        except FileNotFoundError:
            begun = (self.path / _LOCK).exists()
            why = "a backup was begun there and did not end" if begun else "it has no manifest.json"
            raise BackupError(f"{self.path} holds no complete backup: {why}") from None
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
        """Put a manifest in the place of the last one, in one step, and remove what only the last one named."""
        with _replacing(self.path / _MANIFEST) as file:
            file.write(manifest.model_dump_json(indent=2).encode() + b"\n")
        keep = {manifest.records.name, manifest.blobs.name}
        for path in (*self.path.glob("records-*.gz"), *self.path.glob("blobs-*.gz"), *self.path.glob(".*.part")):
            if path.name not in keep:
                path.unlink(missing_ok=True)

    @contextmanager
    def writing(self, name: str) -> Iterator["LineWriter"]:
        """A new packed file of lines; it appears whole, or not at all."""
        with _replacing(self.path / name) as file, gzip.open(file, "wb", compresslevel=4) as packed:
            yield LineWriter(packed)

    def describe(self, name: str, lines: int) -> ListedFile:
        """A file that was written, as the manifest names it."""
        return ListedFile(name=name, sha256=_sha256(self.path / name), lines=lines)

    def lines(self, listed: ListedFile) -> Iterator[str]:
        """The lines of a file that the manifest names, which `verify` has looked at."""
        try:
            with gzip.open(self.path / listed.name, "rt", encoding="ascii") as file:
                yield from file
        except (OSError, EOFError, ValueError) as error:
            raise BackupError(f"{self.path / listed.name} cannot be read: {error}") from error

    def verify(self, listed: ListedFile) -> None:
        """See that a file that the manifest names is the one that was written.

        Raises:
            BackupError: It is missing or damaged.
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

    def make_room(self, name: str) -> None:
        """Make the folders that the blob is to be in."""
        folder = self.blob(name).parent
        for each in (folder.parent, folder):
            each.mkdir(mode=0o700, exist_ok=True)

    def sync_blobs(self) -> None:
        """Have the names of all blobs reach the disk."""
        blobs = self.path / _BLOBS
        for folder in (*blobs.iterdir(), blobs, self.path):
            _sync_folder(folder)

    def blob(self, name: str) -> Path:
        """Where the blob is or is to be, by its 64 hex digits."""
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
    """A file of mode 0600 that takes the place of `path` when the block ends well, and has reached the disk by then."""
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
    """Have the names in a folder reach the disk."""
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
    """A moment of the work.

    Attributes:
        doing: What is being done, as `copying blobs`.
        done: How many keys, blobs or files are done.
        total: How many there are; None where that is not known before the end.
        bytes: How many bytes they are so far; 0 where only their number counts.
    """

    doing: str
    done: int
    total: int | None = None
    bytes: int = 0


Report = Callable[[Progress], None]
"""Called often; what it costs is its own business."""


_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")


def encoded(copy: KeyCopy) -> str:
    """A key as one line of ASCII; bytes that are no UTF-8 are lone surrogates in it."""
    return json.dumps([copy.key, copy.type, copy.value, copy.expires_at], separators=(",", ":"))


def decoded(line: str) -> KeyCopy:
    """The key in a line.

    Raises:
        BackupError: It is no such line.
    """
    try:
        key, type_, value, expires_at = json.loads(line)
        return KeyCopy(str(key), str(type_), value, expires_at)
    except (ValueError, TypeError, RecursionError):
        raise BackupError("a line of the records cannot be read") from None


def digests_in(line: str) -> Iterator[bytes]:
    """The digests of all blobs that a line names anywhere: whichever field a version of Pippin keeps them in."""
    return (bytes.fromhex(match) for match in _DIGEST.findall(line))
