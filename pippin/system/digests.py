"""The SHA-256 of a file, in Pippin's form for naming content: `sha256:<hex>`."""

import hashlib
from pathlib import Path

_CHUNK_BYTES = 4 * 2**20


def digest_of(path: Path) -> tuple[str, int]:
    """The digest (`sha256:<hex>`) and the size in bytes of the file at `path`, read in chunks of constant size."""
    hasher = hashlib.sha256()
    size = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            hasher.update(chunk)
            size += len(chunk)
    return f"sha256:{hasher.hexdigest()}", size
