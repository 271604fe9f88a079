"""Blobs in a folder or an S3 bucket, through obstore: objects under `<first two hex digits>/<hex>`."""

import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from pippin.blobs.errors import BlobError, BlobMissingError
from pippin.blobs.names import CHUNK, hex_of, unchanged

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ClientConfig, RetryConfig

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


class ObjectStore:
    """Blobs as objects of a folder (`file://`, made if absent) or a bucket (`s3://`).

    Raises:
        BlobError: The URL cannot be used; and so raises every method when the store cannot do what is asked.
    """

    def __init__(self, url: str) -> None:
        self._store = _open(url)

    def put_file(self, digest: str, path: Path, size: int) -> None:
        """Store the `size` bytes of the file at `path` as `digest`, in pieces."""
        _call(
            f"could not store {digest}",
            lambda: obstore.put(self._store, _object(digest), unchanged(path, digest), use_multipart=size > 2 * CHUNK),
        )

    def put_bytes(self, digest: str, data: bytes) -> None:
        """Store `data` as `digest`."""
        _call(f"could not store {digest}", lambda: obstore.put(self._store, _object(digest), data))

    def size(self, digest: str) -> int:
        """The size in bytes; BlobMissingError when there is no such blob."""
        return _call(f"could not look up {digest}", lambda: obstore.head(self._store, _object(digest)))["size"]

    def pieces(self, digest: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes `start` to `stop`, exclusive, which lie within the blob and are not none."""
        doing = f"could not read {digest}"
        options: GetOptions = {"range": (start, stop)}
        return _pieces(doing, _call(doing, lambda: obstore.get(self._store, _object(digest), options=options)))

    def delete(self, digest: str) -> None:
        """Remove a blob; one that is not there is no error."""
        with suppress(BlobMissingError):
            _call(f"could not delete {digest}", lambda: obstore.delete(self._store, _object(digest)))

    def names(self) -> Iterator[str]:
        """The digest of every blob, in no order; other files in the same folder are passed over."""
        return (digest for digest, _ in self.sizes())

    def sizes(self) -> Iterator[tuple[str, int]]:
        """The same, each with its size in bytes."""
        batches = iter(obstore.list(self._store))
        while (batch := _call("could not list the blobs", lambda: next(batches, None))) is not None:
            for meta in batch:
                if match := _OBJECT.fullmatch(meta["path"]):
                    yield f"sha256:{match[2]}", meta["size"]


def _open(url: str) -> LocalStore | S3Store:
    try:
        if url.startswith("file://"):
            return LocalStore.from_url(url, mkdir=True)
        if url.startswith("s3://"):
            return S3Store.from_url(url, client_options=_CLIENT, retry_config=_RETRIES)
    except (BaseError, OSError, ValueError) as error:
        raise BlobError(f"the blob store {url} cannot be opened: {_first_line(error)}") from error
    raise BlobError(f"the blob store {url} is not supported; use file:///a/folder, s3://bucket/prefix or https://host")


def _object(digest: str) -> str:
    name = hex_of(digest)
    return f"{name[:2]}/{name}"


def _pieces(doing: str, result: "GetResult") -> Iterator[bytes]:
    stream = iter(result.stream(min_chunk_size=CHUNK))
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
