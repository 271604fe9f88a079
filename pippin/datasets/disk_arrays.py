"""Arrays that grow on disk, so that a dataset may be larger than memory."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

_BATCH_BYTES = 4 * 2**20


class Workspace(ExitStack):
    """Where the arrays of one upload grow. Leaving it closes the files of those that were never finished.

    Args:
        directory: Where the files are made; whoever owns the directory removes them.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def new_array(self, shape: tuple[int, ...], dtype: np.dtype[Any] | type[Any]) -> "DiskArray":
        """A new array without examples.

        Args:
            shape: Of one example.
            dtype: Of one value.
        """
        handle, name = tempfile.mkstemp(suffix=".array", dir=self._directory)
        file = self.enter_context(os.fdopen(handle, "wb"))
        return DiskArray(Path(name), file, shape, np.dtype(dtype))


class DiskArray:
    """An array [N, *shape] whose N is known only at the end, kept in a file of its own."""

    def __init__(self, path: Path, file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._path = path
        self._file = file
        self.shape = shape
        self.dtype = dtype

    def append(self, values: NDArray[Any]) -> None:
        """Adds examples: [n, *shape], or anything of as many values."""
        self._file.write(np.ascontiguousarray(values, dtype=self.dtype).data)

    def write(self, data: bytes) -> None:
        """Adds bytes that already are values of the right type, in C order."""
        self._file.write(data)

    def finish(self, fortran: tuple[int, ...] | None = None) -> NDArray[Any]:
        """All examples, memory-mapped and read-only: [N, *shape].

        Args:
            fortran: When the bytes written are a whole array in Fortran order: its full shape, which may lack axes of
                length 1 that `shape` has.
        """
        self._file.close()
        if not self._path.stat().st_size:
            return np.empty((0, *self.shape), self.dtype)
        flat = np.asarray(np.memmap(self._path, mode="r", dtype=self.dtype))
        whole = flat if fortran is None else flat.reshape(fortran, order="F")
        return whole.reshape((-1, *self.shape))


def batches(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """`array` in slices along its first axis of a few megabytes each, so that an array may be larger than memory."""
    step = max(1, _BATCH_BYTES // max(1, array[:1].nbytes))
    for begin in range(0, len(array), step):
        yield array[begin : begin + step]
