"""Blobs: files named by the SHA-256 of their content, in a folder, in an S3 bucket, or behind a service.

A name says what the content must be, so writing the same content twice is harmless, a retry cannot corrupt, and a
copy is never stale. Objects lie under `<first two hex digits>/<hex>`, which keeps folders small.
"""

import hashlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import HTTPStore, LocalStore, S3Store

from pippin.faults import PippinError

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ClientConfig, RetryConfig

_CHUNK = 4 * 1024 * 1024
_NAME = re.compile(r"(?:sha256:)?([0-9a-f]{64})")
_OBJECT = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})")

# Replaces AWS_ALLOW_HTTP. Only an address that says http:// is reached without TLS.
_CLIENT: "ClientConfig" = {
    "allow_http": True,
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(minutes=5),
}
# By default, a dead server holds every call for three minutes.
_RETRIES: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}

_T = TypeVar("_T")


class BlobError(PippinError):
    """The blob store could not do what was asked; the text says with what and why."""


class BlobMissingError(BlobError):
    """There is no blob of this name."""


def digest_of(path: Path) -> tuple[str, int]:
    """The digest (`sha256:<hex>`) and the size in bytes of the file at `path`, read in pieces."""
    hasher = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
            size += len(chunk)
    return f"sha256:{hasher.hexdigest()}", size


class Blobs:
    """A content-addressed store at a URL.

    `file:///a/folder` (made if absent), `s3://bucket/prefix`, or the address of a service, `http://host:8000`, for a
    worker that shares nothing else with it: over HTTP, a file is in memory while it is put, and there are no `delete`
    and `names`.

    Digests are returned as `sha256:<hex>` and accepted with or without `sha256:`. Credentials and the address of an
    S3 server come from the environment (`AWS_ACCESS_KEY_ID`, `AWS_ENDPOINT_URL`, …), read by
    obstore. Safe for threads. Not for forks: obstore runs threads of its own, so a forked child makes its own `Blobs`.

    Raises:
        BlobError: The URL is of another scheme, or its folder cannot be made.
    """

    def __init__(self, url: str) -> None:
        self._store = _open(url)
        self._remote = isinstance(self._store, HTTPStore)

    def put_file(self, path: Path) -> tuple[str, int]:
        """Store the content of the file at `path`, streaming; a torn upload never appears under its name.

        Content that is already there is written again, which refreshes its modification time.

        Returns:
            Its digest, and its size in bytes.

        Raises:
            BlobError: The store could not take it, or the file changed while it was read.
        """
        digest, size = digest_of(path)
        in_parts = size > 2 * _CHUNK and not self._remote
        _call(
            f"could not store {digest}",
            lambda: obstore.put(self._store, self._object(digest), _unchanged(path, digest), use_multipart=in_parts),
        )
        return digest, size

    def put_bytes(self, data: bytes) -> str:
        """Store `data` and return its digest.

        Raises:
            BlobError: The store could not take it.
        """
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        _call(f"could not store {digest}", lambda: obstore.put(self._store, self._object(digest), data))
        return digest

    def head(self, digest: str) -> int | None:
        """The size in bytes of a blob; None when there is none.

        Raises:
            BlobError: The store could not be asked.
        """
        try:
            return _call(f"could not look up {digest}", lambda: obstore.head(self._store, self._object(digest)))["size"]
        except BlobMissingError:
            return None

    def read(self, digest: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes `start` to `end` (exclusive; None is the blob's end) of a blob, in pieces.

        The blob is looked up before this returns; what lies beyond its end is left out.

        Raises:
            BlobMissingError: There is no such blob.
            BlobError: The store could not be read, here or while the pieces are taken.
        """
        doing = f"could not read {digest}"
        size = _call(doing, lambda: obstore.head(self._store, self._object(digest)))["size"]
        stop = size if end is None else min(end, size)
        if start >= stop:
            return iter(())
        options: GetOptions = {"range": (start, stop)}
        return _pieces(doing, _call(doing, lambda: obstore.get(self._store, self._object(digest), options=options)))

    def fetch(self, digest: str, path: Path) -> None:
        """Copy a blob to `path`: its content is checked, and the file appears whole or not at all.

        Raises:
            BlobMissingError: There is no such blob.
            BlobError: The store could not be read, or what it holds is not what the name says.
        """
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            hasher = hashlib.sha256()
            with os.fdopen(handle, "wb") as file:
                for chunk in self.read(digest):
                    hasher.update(chunk)
                    file.write(chunk)
            if hasher.hexdigest() != _hex(digest):
                raise BlobError(
                    f"the blob {digest} is damaged: its content has the SHA-256 {hasher.hexdigest()}; store it again"
                )
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def delete(self, digest: str) -> None:
        """Remove a blob; one that is not there is no error.

        Raises:
            BlobError: The store could not be reached.
        """
        with suppress(BlobMissingError):
            _call(f"could not delete {digest}", lambda: obstore.delete(self._store, self._object(digest)))

    def names(self) -> Iterator[str]:
        """The digest of every blob, in no order; other files in the same folder are passed over.

        Raises:
            BlobError: The store could not be listed.
        """
        batches = iter(obstore.list(self._store))
        while (batch := _call("could not list the blobs", lambda: next(batches, None))) is not None:
            for meta in batch:
                if match := _OBJECT.fullmatch(meta["path"]):
                    yield f"sha256:{match[2]}"

    def _object(self, digest: str) -> str:
        name = _hex(digest)
        return name if self._remote else f"{name[:2]}/{name}"


def _open(url: str) -> LocalStore | S3Store | HTTPStore:
    try:
        if url.startswith("file://"):
            return LocalStore.from_url(url, mkdir=True)
        if url.startswith("s3://"):
            return S3Store.from_url(url, client_options=_CLIENT, retry_config=_RETRIES)
        if url.startswith(("http://", "https://")):
            return HTTPStore.from_url(f"{url.rstrip('/')}/blobs", client_options=_CLIENT, retry_config=_RETRIES)
    except (BaseError, OSError, ValueError) as error:
        raise BlobError(f"the blob store {url} cannot be opened: {_first_line(error)}") from error
    raise BlobError(
        f"the blob store {url} is not supported; use file:///a/folder, s3://bucket/prefix or http://host:8000"
    )


def _hex(digest: str) -> str:
    match = _NAME.fullmatch(digest)
    if match is None:
        raise BlobError(f"{digest!r} is not the name of a blob; it would be sha256: and 64 hex digits")
    return match[1]


def _unchanged(path: Path, digest: str) -> Iterator[bytes]:
    """The file's content in pieces; raises at the end, which abandons the upload, if it is no longer `digest`."""
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            hasher.update(chunk)
            yield chunk
    if f"sha256:{hasher.hexdigest()}" != digest:
        raise BlobError(f"{path.name} changed while it was being stored")


def _pieces(doing: str, result: "GetResult") -> Iterator[bytes]:
    stream = iter(result.stream(min_chunk_size=_CHUNK))
    while (chunk := _call(doing, lambda: next(stream, None))) is not None:
        yield bytes(chunk)


def _call(doing: str, operation: Callable[[], _T]) -> _T:
    try:
        return operation()
    except FileNotFoundError as error:
        raise BlobMissingError(f"{doing}: there is no such blob") from error
    except (BaseError, OSError) as error:
        raise BlobError(f"{doing}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    # obstore appends a dump of its inner error after the sentence.
    return str(error).partition("\n")[0]
