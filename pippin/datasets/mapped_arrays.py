"""The arrays of a dataset in this machine's blob cache, memory-mapped."""

import hashlib
import os
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from pippin.blobs import BlobDamagedError
from pippin.blobs.cache import BlobCache, FileIdentity
from pippin.datasets.arrays import open_arrays


class MappedArrays(dict[str, NDArray[Any]]):
    """The arrays of a cached dataset, memory-mapped: `split/feature` -> [N, *shape].

    Args:
        digest: The digest of the dataset, `sha256:<hex>`.
        path: The file of the dataset in the cache.

    Raises:
        OSError: The file at `path` cannot be opened.
        DatasetError: The file is not a dataset.
    """

    def __init__(self, digest: str, path: Path) -> None:
        # Both opens below are of one file: `BlobCache.open` compares the identity of `path` before and after this call.
        self._file = path.open("rb")
        self._digest = digest
        self._identity = FileIdentity.of(os.fstat(self._file.fileno()))
        super().__init__(open_arrays(path))

    def check(self) -> None:
        """Verify that the mapped file still contains the dataset. Takes microseconds unless the file was touched.

        Raises:
            BlobDamagedError: The content has changed since it was mapped.
        """
        identity = FileIdentity.of(os.fstat(self._file.fileno()))
        if identity == self._identity:
            return
        self._file.seek(0)
        if hashlib.file_digest(self._file, "sha256").hexdigest() != self._digest.removeprefix("sha256:"):
            raise BlobDamagedError(f"this machine's copy of the blob {self._digest} was changed while it was in use")
        self._identity = identity

    def __del__(self) -> None:
        if hasattr(self, "_file"):
            self._file.close()


def map_arrays(cache: BlobCache, digest: str) -> MappedArrays:
    """The arrays of the dataset `digest` (`sha256:<hex>`), fetched into the cache if the cache lacks them.

    Raises:
        BlobError: The blob is missing or damaged, or the store cannot be reached.
        DatasetError: The blob is not a dataset.
    """
    return cache.open(digest, lambda path: MappedArrays(digest, path))
