"""Blobs in a folder or an S3 bucket, through obstore: objects under `<first two hex digits>/<hex>`."""

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError, NotSupportedError
from obstore.store import LocalStore, S3Store

from pippin.blobs.errors import BlobError, BlobExistsError, BlobMissingError
from pippin.blobs.names import CHUNK, hex_of, unchanged
from pippin.system.folders import make_private_folder

if TYPE_CHECKING:
    from obstore import GetOptions, GetResult
    from obstore.store import ClientConfig, RetryConfig

_OBJECT = re.compile(r"([0-9a-f]{2})/(\1[0-9a-f]{62})")
# Prefix of the markers, which hold data about the store. No blob's name begins with it.
_MARKERS = "pippin"
# A store without conditional writes may lose one of two writes of the same marker: the winner is read after this time.
_SETTLE_SECONDS = 1.0
# Prefix of a folder's blobs that are being deleted. No blob's name begins with it.
_ASIDE = "swept"

# Replaces AWS_ALLOW_HTTP. Only an address with http:// is reached without TLS.
_CLIENT: "ClientConfig" = {
    "allow_http": True,
    "connect_timeout": timedelta(seconds=5),
    "timeout": timedelta(minutes=5),
}
# By default, a dead server blocks every call for three minutes.
_RETRIES: "RetryConfig" = {"max_retries": 4, "retry_timeout": timedelta(seconds=30)}

_T = TypeVar("_T")


@dataclass(frozen=True)
class BlobEntry:
    """An entry of the listing of blobs.

    Attributes:
        digest: `sha256:<hex>`.
        bytes: Size of the blob.
        modified: Time of the last put.
    """

    digest: str
    bytes: int
    modified: datetime


class ObjectStore:
    """Blobs as objects of a folder (`file://`, made if absent) or a bucket (`s3://`).

    Raises:
        BlobError: The URL cannot be used. Every method raises it when its operation fails.
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

    def touch(self, digest: str) -> None:
        """Set the time of a blob's last put to now; BlobMissingError when there is no such blob.

        S3 can neither set an object's time nor copy an object onto itself: in a bucket the content is read and put
        again.
        """
        name, doing = _object(digest), f"could not touch {digest}"
        if isinstance(self._store, LocalStore):
            folder = self._store.prefix
            assert folder is not None
            _call(doing, lambda: os.utime(folder / name))
        elif size := self.size(digest):
            _call(doing, lambda: obstore.put(self._store, name, self.pieces(digest, 0, size)))

    def pieces(self, digest: str, start: int, stop: int) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, a range within the blob that is not empty."""
        doing = f"could not read {digest}"
        options: GetOptions = {"range": (start, stop)}
        return _pieces(doing, _call(doing, lambda: obstore.get(self._store, _object(digest), options=options)))

    def delete(self, digest: str) -> None:
        """Remove a blob; a missing blob is no error."""
        with suppress(BlobMissingError):
            _call(f"could not delete {digest}", lambda: obstore.delete(self._store, _object(digest)))

    def delete_untouched(self, digest: str, since: datetime) -> bool:
        """Remove a blob, unless its last put was at or after `since`; return whether it was removed.

        A folder's file is first moved aside and its time is read again; the file is moved back if it was put meanwhile.
        So no put is ever lost. A bucket has no such step: a put that ends within the few milliseconds between the read
        of the time and the removal is lost.
        """
        name, doing = _object(digest), f"could not delete {digest}"
        aside = f"{_ASIDE}/{hex_of(digest)}" if isinstance(self._store, LocalStore) else name
        try:
            if self._modified(name, doing) >= since:
                return False
            if aside != name:
                _call(doing, lambda: obstore.rename(self._store, name, aside))
                if self._modified(aside, doing) >= since:
                    _call(doing, lambda: obstore.rename(self._store, aside, name))
                    return False
            _call(doing, lambda: obstore.delete(self._store, aside))
        except BlobMissingError:
            return False
        return True

    def entries(self) -> Iterator[BlobEntry]:
        """Every blob, in no order; other files in the same folder are ignored."""
        batches = iter(obstore.list(self._store))
        while (batch := _call("could not list the blobs", lambda: next(batches, None))) is not None:
            for meta in batch:
                if match := _OBJECT.fullmatch(meta["path"]):
                    yield BlobEntry(f"sha256:{match[2]}", meta["size"], meta["last_modified"])

    def read_marker(self, name: str) -> bytes | None:
        """The content of a marker, a small object with data about the store; None when it does not exist."""
        doing = f"could not read the marker {name} of the blob store"
        try:
            return _call(doing, lambda: bytes(obstore.get(self._store, _marker(name)).bytes()))
        except BlobMissingError:
            return None

    def create_marker(self, name: str, data: bytes) -> bool:
        """Write a marker unless it exists; return whether it was written.

        The write is conditional, so of two processes one succeeds. In a store without conditional writes (S3 has them
        since 2024), the marker is written and read again after a second, when the last of two writes has won.
        """
        doing = f"could not write the marker {name} to the blob store"
        try:
            _call(doing, lambda: obstore.put(self._store, _marker(name), data, mode="create"))
        except BlobExistsError:
            return False
        except BlobError as error:
            if not _is_unsupported(error.__cause__):
                raise
            if self.read_marker(name) is not None:
                return False
            self.write_marker(name, data)
            time.sleep(_SETTLE_SECONDS)
            return self.read_marker(name) == data
        return True

    def write_marker(self, name: str, data: bytes) -> None:
        """Write a marker, replacing an existing one."""
        doing = f"could not write the marker {name} to the blob store"
        _call(doing, lambda: obstore.put(self._store, _marker(name), data))

    def delete_marker(self, name: str) -> None:
        """Remove a marker; a missing marker is no error."""
        with suppress(BlobMissingError):
            _call(f"could not delete the marker {name}", lambda: obstore.delete(self._store, _marker(name)))

    def delete_abandoned(self, since: datetime) -> int:
        """Remove files that interrupted puts left in a folder before `since`; return their number.

        Files that an interrupted removal left aside are moved back, so that a sweep can check them again. For a bucket,
        incomplete uploads are left to the bucket's own lifecycle rules.
        """
        if not isinstance(self._store, LocalStore):
            return 0
        folder = self._store.prefix
        assert folder is not None
        removed = 0
        # Another sweeper may move or remove each file first.
        for path in folder.glob(f"{_ASIDE}/*"):
            with suppress(FileNotFoundError):
                path.rename(folder / _object(path.name))
        # obstore writes to `<name>#<number>` and renames.
        for path in folder.glob("[0-9a-f][0-9a-f]/*#*"):
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < since.timestamp():
                    path.unlink()
                    removed += 1
        return removed

    def _modified(self, name: str, doing: str) -> datetime:
        return _call(doing, lambda: obstore.head(self._store, name))["last_modified"]


def _open(url: str) -> LocalStore | S3Store:
    try:
        if url.startswith("file://"):
            make_private_folder(Path(unquote(urlsplit(url).path)))
            return LocalStore.from_url(url)
        if url.startswith("s3://"):
            return S3Store.from_url(url, client_options=_CLIENT, retry_config=_RETRIES)
    except (BaseError, OSError, ValueError) as error:
        raise BlobError(f"the blob store {url} cannot be opened: {_first_line(error)}") from error
    raise BlobError(f"the blob store {url} is not supported; use file:///a/folder, s3://bucket/prefix or https://host")


def _object(digest: str) -> str:
    name = hex_of(digest)
    return f"{name[:2]}/{name}"


def _marker(name: str) -> str:
    return f"{_MARKERS}/{name}.json"


def _is_unsupported(error: BaseException | None) -> bool:
    """Whether a store refused a conditional write because it does not support them."""
    return isinstance(error, NotSupportedError) or "501 Not Implemented" in str(error)


def _pieces(doing: str, result: "GetResult") -> Iterator[bytes]:
    stream = iter(result.stream(min_chunk_size=CHUNK))
    while (chunk := _call(doing, lambda: next(stream, None))) is not None:
        yield bytes(chunk)


def _call(doing: str, operation: Callable[[], _T]) -> _T:
    try:
        return operation()
    except FileNotFoundError as error:
        raise BlobMissingError(f"{doing}: there is no such blob") from error
    except AlreadyExistsError as error:
        raise BlobExistsError(f"{doing}: it already exists") from error
    except (BaseError, OSError) as error:
        raise BlobError(f"{doing}: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    # obstore appends a dump of its inner error after the sentence.
    return str(error).partition("\n")[0]
