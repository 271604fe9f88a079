"""The files of an upload as streams, unpacked from ZIP and gzip within the limit on unpacked bytes."""

import gzip
import io
import os
import re
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from pippin.datasets.errors import DatasetError, quoted, refuse, too_large
from pippin.datasets.ignored_files import ignored_files, is_litter
from pippin.datasets.limits import Budget, DatasetLimits
from pippin.datasets.upload import Upload, UploadedFile
from pippin.documents.file_kinds import kind_of_members

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_GZIP = b"\x1f\x8b"
_BUFFER = 256 * 1024
_DAMAGE = (zipfile.BadZipFile, zlib.error, gzip.BadGzipFile, EOFError, struct.error, NotImplementedError)
_DAMAGED_DIRECTORY = (*_DAMAGE, OSError, OverflowError, RuntimeError, ValueError)
_UNSAFE = re.compile(r"[\x00-\x1f\x7f]|^[A-Za-z]:")
_MAX_NAME_CHARACTERS = 1000
_UTF8_FLAG = 0x800  # APPNOTE.TXT 4.4.4, bit 11
_MEAN_ENTRY_BYTES = 128  # of a ZIP's directory, allowed for each file on average


@dataclass(frozen=True)
class Source:
    """One file of an upload.

    Attributes:
        name: The name of the file, or its path inside the ZIP with forward slashes, without a final `.gz`.
        open: Opens a stream of the unpacked bytes; a context manager. Reading raises DatasetError where the file is
            damaged, or the limit on the upload's unpacked bytes is exceeded.
    """

    name: str
    open: Callable[[], io.BufferedReader]

    @property
    def suffix(self) -> str:
        """The suffix of the name, such as `.csv`, in lower case."""
        return Path(self.name).suffix.lower()


@dataclass(frozen=True)
class Sources:
    """The content of an upload.

    Attributes:
        files: The files that may be data.
        zipped: Whether the files were sent as one ZIP.
        ignored: The names of the other files, as `ignored_files` determines them.
    """

    files: tuple[Source, ...]
    zipped: bool
    ignored: tuple[str, ...] = ()


@contextmanager
def open_upload(upload: Upload, limits: DatasetLimits) -> Iterator[Sources]:
    """Open the files of an upload: the members of its one ZIP, or the files as sent.

    No file is written under a name from the upload.

    Raises:
        DatasetError: The upload is empty, or its ZIP is damaged, encrypted, or names files outside itself.
        DatasetTooLargeError: The upload is too large, or has too many files.
    """
    size = sum(file.bytes for file in upload.files)
    if size > limits.max_bytes:
        raise too_large(f"the upload has {size:,} bytes; {limits.max_bytes:,} are allowed")
    if len(upload.files) > limits.max_files:
        raise too_large(f"the upload has {len(upload.files):,} files; {limits.max_files:,} are allowed")
    if not size:
        raise refuse("the upload is empty")
    budget = Budget(limits)
    ignored_names = ignored_files([_shown(file) for file in upload.files]) if len(upload.files) > 1 else frozenset()
    # Where the names of all files are to be ignored, all files count as data.
    files = [file for file in upload.files if _shown(file) not in ignored_names] or list(upload.files)
    ignored = tuple(_shown(file) for file in upload.files if file not in files)
    zips = [file for file in files if _first_bytes(file.path) in _ZIP]
    if not zips:
        yield Sources(tuple(_file_source(file, budget) for file in files), zipped=False, ignored=ignored)
        return
    if len(files) > 1:
        raise refuse(f"{_shown(zips[0])} is a ZIP among {len(files)} files; send one ZIP, or plain files only")
    with _members(zips[0], budget, limits) as members:
        yield replace(members, ignored=ignored + members.ignored)


def _first_bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(4)


def _shown(file: UploadedFile) -> str:
    name = file.name[-_MAX_NAME_CHARACTERS:] or "the upload"
    return "".join(character if character.isprintable() else "?" for character in name)


def _file_source(file: UploadedFile, budget: Budget) -> Source:
    name = _shown(file)

    def open_stream() -> io.BufferedReader:
        raw = io.BufferedReader(io.FileIO(file.path), _BUFFER)
        return _unpacked(raw, name, budget) if raw.peek(2)[:2] == _GZIP else _counted(raw, name, budget)

    return Source(name.removesuffix(".gz"), open_stream)


def _counted(file: "_Readable", name: str, budget: Budget) -> io.BufferedReader:
    return io.BufferedReader(_CountedStream(file, name, budget), _BUFFER)


def _unpacked(file: io.BufferedIOBase, name: str, budget: Budget) -> io.BufferedReader:
    return io.BufferedReader(_CountedStream(gzip.GzipFile(fileobj=file, mode="rb"), name, budget, file), _BUFFER)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


class _CountedStream(io.RawIOBase):
    """A stream that subtracts its bytes from the budget, and raises DatasetError where it is damaged."""

    def __init__(self, inner: "_Readable", name: str, budget: Budget, *closed_too: "_Readable") -> None:
        self._inner = inner
        self._closing = (inner, *closed_too)
        self._name = name
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer).cast("B")
        try:
            data = self._inner.read(len(view))
        except DatasetError:
            raise
        except _DAMAGE:
            raise refuse(f"{self._name} is damaged or cut short; send it again") from None
        self._budget.spend(len(data), self._name)
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        if not self.closed:
            for file in self._closing:
                with suppress(*_DAMAGE):
                    file.close()
        super().close()


class _CappedFile(io.FileIO):
    """A file that refuses single reads of more than `max_read_bytes`, which only a hostile ZIP causes.

    `zipfile` reads the directory, whose size the ZIP declares, in one read, and creates an object for each entry.
    """

    max_read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        rest = os.fstat(self.fileno()).st_size - self.tell()
        count = rest if size is None or size < 0 else min(size, rest)
        if count > self.max_read_bytes:
            raise too_large("the ZIP's directory is larger than the number of files allowed would need")
        return super().read(count) or b""


@contextmanager
def _members(file: UploadedFile, budget: Budget, limits: DatasetLimits) -> Iterator[Sources]:
    name = _shown(file)
    with _CappedFile(file.path) as capped:
        capped.max_read_bytes = max(1024 * 1024, limits.max_files * _MEAN_ENTRY_BYTES)
        try:
            archive = zipfile.ZipFile(capped)
        except DatasetError:
            raise
        except _DAMAGED_DIRECTORY:
            raise refuse(f"{name} is a damaged ZIP, or only a part of one: its list of files cannot be read") from None
        with archive:
            infos = [info for info in archive.infolist() if not info.is_dir()]
            if len(infos) > limits.max_files:
                raise too_large(f"{name} holds {len(infos):,} files; {limits.max_files:,} are allowed")
            if kind := kind_of_members(map(_name_in_zip, infos)):
                raise refuse(f"{name} {kind.as_data()}")
            # Names of litter, such as macOS's `Icon` with a carriage return, are not checked: litter is never opened.
            paths = [_name_in_zip(info) if is_litter(_name_in_zip(info)) else _path(info) for info in infos]
            ignored_names = ignored_files(paths)
            members = [(path, info) for path, info in zip(paths, infos, strict=True) if path not in ignored_names]
            if not members:
                raise refuse(f"{name} is a ZIP without files")
            sources = tuple(_member_source(archive, path, info, budget) for path, info in members)
            name, times = Counter(source.name for source in sources).most_common(1)[0]
            if times > 1:
                raise refuse(f"the ZIP holds {quoted(name)} {times} times")
            yield Sources(sources, zipped=True, ignored=tuple(path for path in paths if path in ignored_names))


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """The name of a member, with forward slashes.

    macOS writes UTF-8 without setting the flag for UTF-8, and `zipfile` then decodes the name as code page 437.
    """
    # `filename` ends before a NUL; the original name includes it.
    name = info.orig_filename
    if not info.flag_bits & _UTF8_FLAG:
        with suppress(UnicodeError):
            name = name.encode("cp437").decode()
    # Windows tools write backslashes.
    return name.replace("\\", "/")


def _path(info: zipfile.ZipInfo) -> str:
    """The normalised path of a member, with forward slashes.

    Raises:
        DatasetError: The path leads out of the ZIP, or has control characters.
    """
    name_in_zip = _name_in_zip(info)
    steps = [step for step in name_in_zip.split("/") if step not in {"", "."}]
    unsafe = name_in_zip.startswith("/") or ".." in steps or _UNSAFE.search(name_in_zip)
    if unsafe or not steps or len(name_in_zip) > _MAX_NAME_CHARACTERS:
        raise refuse(f"the ZIP names a file {quoted(name_in_zip)}, which is not a path inside it")
    return "/".join(steps)


def _member_source(archive: zipfile.ZipFile, name: str, info: zipfile.ZipInfo, budget: Budget) -> Source:
    if info.flag_bits & 0x1:
        raise refuse(f"{name} in the ZIP is encrypted; send it without a password")
    # The other methods need an amount of memory that the member determines.
    if info.compress_type not in {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}:
        raise refuse(f"{name} in the ZIP is compressed by method {info.compress_type}; use deflate, the usual one")

    def open_stream() -> io.BufferedReader:
        try:
            inner = archive.open(info)
        except _DAMAGED_DIRECTORY:
            raise refuse(f"{name} in the ZIP is damaged: its header does not match the ZIP's list of files") from None
        stored = _counted(inner, name, budget)
        return _unpacked(stored, name, budget) if stored.peek(2)[:2] == _GZIP else stored

    return Source(name.removesuffix(".gz"), open_stream)
