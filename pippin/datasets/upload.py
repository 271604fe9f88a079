"""The files that a client sent, on disk."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from pippin.datasets.errors import too_large
from pippin.datasets.options import DatasetOptions
from pippin.system.digests import digest_of


@dataclass(frozen=True)
class UploadedFile:
    """One file of an upload.

    Attributes:
        name: The name from the client; "" for a body without a name.
        path: The path of the file on disk.
        digest: `sha256:<hex>` of the bytes as sent.
        bytes: The size as sent.
    """

    name: str
    path: Path
    digest: str
    bytes: int


@dataclass(frozen=True)
class Upload:
    """The files of one upload."""

    files: tuple[UploadedFile, ...]

    @classmethod
    def of(cls, *paths: Path) -> "Upload":
        """An upload of local files, under their names on disk."""
        return cls(tuple(UploadedFile(path.name, path, *digest_of(path)) for path in paths))

    @property
    def bytes(self) -> int:
        """The size of all files together, as sent."""
        return sum(file.bytes for file in self.files)

    def content_key(self, options: DatasetOptions) -> str:
        """The identity of an upload: equal for the same names, bytes and options, in any order of the files."""
        files = sorted((file.name, file.digest) for file in self.files)
        text = json.dumps([files, options.model_dump(exclude_defaults=True)], sort_keys=True)
        return f"sha256:{hashlib.sha256(text.encode()).hexdigest()}"


class Spool:
    """Writes the bytes of an upload to disk as they arrive, and computes their digest.

    A context manager, which removes the file at `path` unless `finish` was called. Each file has its own spool. The
    files of one upload share a limit: pass to each the remainder of the files before it.

    Args:
        path: The file to write, which must not exist.
        limit: The largest number of bytes to accept.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self._path = path
        self._limit = limit
        self._hasher = hashlib.sha256()
        self._finished = False
        self.bytes = 0
        self._file = path.open("xb")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        if not self._finished:
            self._path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Write the next bytes.

        Raises:
            DatasetTooLargeError: The file exceeds the limit.
        """
        self.bytes += len(chunk)
        if self.bytes > self._limit:
            raise too_large(f"the upload is larger than the {self._limit:,} bytes allowed")
        self._hasher.update(chunk)
        self._file.write(chunk)

    def finish(self, name: str) -> UploadedFile:
        """Close the complete file and return it under the name from the client."""
        self._file.close()
        self._finished = True
        return UploadedFile(name, self._path, f"sha256:{self._hasher.hexdigest()}", self.bytes)


def spool(chunks: Iterable[bytes], path: Path, *, name: str, limit: int) -> UploadedFile:
    """Write a whole stream to `path`.

    Raises:
        DatasetTooLargeError: The stream exceeds `limit` bytes; the file at `path` is removed.
    """
    with Spool(path, limit) as file:
        for chunk in chunks:
            file.write(chunk)
        return file.finish(name)
