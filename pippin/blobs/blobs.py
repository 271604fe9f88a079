"""The interface of the blob store, for every kind of location.

The name of a blob determines its content, so writing the same content twice is harmless, a retry cannot corrupt it,
and a copy is never stale.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pippin.blobs.behind_service import ServiceStore
from pippin.blobs.errors import BlobError, BlobMissingError
from pippin.blobs.names import verified
from pippin.blobs.objects import BlobEntry, ObjectStore
from pippin.system.digests import digest_of


class Blobs:
    """A content-addressed store at a URL.

    `file:///a/folder` (made if absent), `s3://bucket/prefix`, or the address of a service, `https://host`, for a
    worker that shares nothing else with the service. Behind a service, `delete`, `names` and similar methods raise
    BlobError.

    Digests are returned as `sha256:<hex>` and accepted with or without `sha256:`. Files are streamed both ways, in
    constant memory. Credentials and the address of an S3 server come from the environment (`AWS_ACCESS_KEY_ID`,
    `AWS_ENDPOINT_URL`, …), read by obstore. Thread-safe, but not fork-safe: obstore runs its own threads, and
    connections cannot be shared, so a forked child must make its own `Blobs`.

    Args:
        url: URL of the store.
        token_file: The file with the worker token that a service requires (PIPPIN_TOKEN_FILE). Read at construction;
            not read for a folder or a bucket.

    Raises:
        BlobError: The URL has another scheme, or its folder cannot be made.
        TokenFileError: The token's file cannot be used.
    """

    def __init__(self, url: str, token_file: Path | None = None) -> None:
        remote = url.startswith(("http://", "https://"))
        self._store: ObjectStore | ServiceStore = ServiceStore(url, token_file) if remote else ObjectStore(url)

    def put_file(self, path: Path) -> tuple[str, int]:
        """Store the content of the file at `path`, streamed; an incomplete upload never appears under its name.

        Existing content is written again, which refreshes its modification time.

        Returns:
            Its digest, and its size in bytes.

        Raises:
            BlobError: The content could not be stored, or the file changed while it was read.
        """
        digest, size = digest_of(path)
        self._store.put_file(digest, path, size)
        return digest, size

    def put_bytes(self, data: bytes) -> str:
        """Store `data` and return its digest.

        Raises:
            BlobError: The content could not be stored.
        """
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self._store.put_bytes(digest, data)
        return digest

    def head(self, digest: str) -> int | None:
        """The size in bytes of a blob; None when there is none.

        Raises:
            BlobError: The store could not be reached.
        """
        try:
            return self._store.size(digest)
        except BlobMissingError:
            return None

    def touch(self, digest: str) -> bool:
        """Set the time of a blob's last put to now, so that no sweep deletes the blob within the grace time.

        In a folder this is safe against a simultaneous `delete_untouched`: the blob stays, or this returns False.

        Returns:
            Whether there is such a blob.

        Raises:
            BlobError: The store could not be reached, or is behind a service.
        """
        try:
            self._objects("touch").touch(digest)
        except BlobMissingError:
            return False
        return True

    def read(self, digest: str, start: int = 0, end: int | None = None) -> Iterator[bytes]:
        """The bytes `start` to `end` (exclusive; None is the blob's end) of a blob, in pieces.

        The blob is looked up before this returns; a range beyond its end is cut off.

        Raises:
            BlobMissingError: There is no such blob.
            BlobError: The store could not be read, here or while the pieces are taken.
        """
        size = self._store.size(digest)
        stop = size if end is None else min(end, size)
        return self._store.pieces(digest, start, stop) if start < stop else iter(())

    def read_verified(self, digest: str) -> Iterator[bytes]:
        """The whole content of a blob, in pieces; the last piece is withheld until the content is verified.

        Raises:
            BlobMissingError: There is no such blob; raised before this returns.
            BlobDamagedError: The stored content does not match the name; raised in place of the last piece.
            BlobError: The store could not be read, here or while the pieces are taken.
        """
        return verified(self.read(digest), digest)

    def fetch(self, digest: str, path: Path) -> None:
        """Copy a blob to `path`: its content is verified, and the file appears complete or not at all.

        Raises:
            BlobMissingError: There is no such blob.
            BlobDamagedError: The stored content does not match the name.
            BlobError: The store could not be read.
        """
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                for piece in self.read_verified(digest):
                    file.write(piece)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def delete(self, digest: str) -> None:
        """Remove a blob; a missing blob is no error.

        Raises:
            BlobError: The store could not be reached, or is behind a service.
        """
        self._objects("delete").delete(digest)

    def delete_untouched(self, digest: str, since: datetime) -> bool:
        """Remove a blob, unless its last put was at or after `since`; return whether it was removed.

        In a folder this is safe against a simultaneous put. In a bucket, a put that ends within the milliseconds
        between the read of the blob's time and its removal is lost.

        Raises:
            BlobError: The store could not be reached, or is behind a service.
        """
        return self._objects("delete").delete_untouched(digest, since)

    def delete_abandoned(self, since: datetime) -> int:
        """Remove files that interrupted puts left in a folder before `since`; return their number.

        Raises:
            BlobError: The store is behind a service.
        """
        return self._objects("delete").delete_abandoned(since)

    def entries(self) -> Iterator[BlobEntry]:
        """Every blob with its size and the time of its last put, in no order; other files are ignored.

        Raises:
            BlobError: The store could not be listed, or is behind a service.
        """
        return self._objects("list").entries()

    def names(self) -> Iterator[str]:
        """The digest of every blob, in the order of `entries`."""
        return (entry.digest for entry in self.entries())

    def read_marker(self, name: str) -> bytes | None:
        """The content of a marker, a small object with data about the store; None when it does not exist.

        Raises:
            BlobError: The store could not be read, or is behind a service.
        """
        return self._objects("read markers").read_marker(name)

    def create_marker(self, name: str, data: bytes) -> bool:
        """Write a marker unless it exists; return whether it was written. Of two simultaneous processes one succeeds.

        Raises:
            BlobError: The store could not be written to, or is behind a service.
        """
        return self._objects("write markers").create_marker(name, data)

    def write_marker(self, name: str, data: bytes) -> None:
        """Write a marker, replacing an existing one.

        Raises:
            BlobError: The store could not be written to, or is behind a service.
        """
        self._objects("write markers").write_marker(name, data)

    def delete_marker(self, name: str) -> None:
        """Remove a marker; a missing marker is no error.

        Raises:
            BlobError: The store could not be written to, or is behind a service.
        """
        self._objects("write markers").delete_marker(name)

    def _objects(self, doing: str) -> ObjectStore:
        if isinstance(self._store, ObjectStore):
            return self._store
        raise BlobError(
            f"a blob store behind a service does not support this ({doing}); run it where the blobs are stored"
        )
