"""The names of blobs: digests, and the verification of content against them."""

import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pippin.blobs.errors import BlobDamagedError, BlobError

CHUNK = 4 * 1024 * 1024
_NAME = re.compile(r"(?:sha256:)?([0-9a-f]{64})")


def hex_of(digest: str) -> str:
    """The 64 hex digits of a blob's name, given with or without `sha256:`.

    Raises:
        BlobError: The text is not the name of a blob.
    """
    match = _NAME.fullmatch(digest)
    if match is None:
        raise BlobError(f"{digest!r} is not the name of a blob; needs sha256: and 64 hex digits")
    return match[1]


def unchanged(path: Path, digest: str) -> Iterator[bytes]:
    """The file's content in pieces; raises at the end, which aborts the upload, if the content does not match `digest`.

    Raises:
        BlobError: The file changed.
    """
    hasher = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
            yield chunk
    if f"sha256:{hasher.hexdigest()}" != digest:
        raise BlobError(f"{path.name} changed while it was being stored")


def verified(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """The whole content of the blob `digest`; the last piece is withheld until the content is verified.

    Raises:
        BlobDamagedError: The content does not match the name.
    """
    hasher = hashlib.sha256()
    held = b""
    for piece in pieces:
        hasher.update(piece)
        if held:
            yield held
        held = piece
    if hasher.hexdigest() != hex_of(digest):
        raise BlobDamagedError(
            f"the blob {digest} is damaged: its content has the SHA-256 {hasher.hexdigest()}; store it again"
        )
    if held:
        yield held
