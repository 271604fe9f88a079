"""Arrays that are written to disk example by example, so that a dataset may be larger than memory."""

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
    """Creates the arrays of one upload. Leaving the context closes the files of unfinished arrays.

    Args:
        directory: Where the files are created. The owner of the directory removes them.
    """

    def __init__(self, directory: Path) -> None:
        super().__init__()
        self._directory = directory

    def new_array(self, shape: tuple[int, ...], dtype: np.dtype[Any] | type[Any]) -> "DiskArray":
        """A new, empty array.

        Args:
            shape: The shape of one example.
            dtype: The type of one value.
        """
        handle, name = tempfile.mkstemp(suffix=".array", dir=self._directory)
        file = self.enter_context(os.fdopen(handle, "wb"))
        return DiskArray(Path(name), file, shape, np.dtype(dtype))


class DiskArray:
    """An array [N, *shape] in a separate file. N is known once the array is finished."""

    def __init__(self, path: Path, file: BinaryIO, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._path = path
        self._file = file
        self.shape = shape
        self.dtype = dtype

    def append(self, values: NDArray[Any]) -> None:
        """Append n examples: [n, *shape], or any shape with as many values."""
        self._file.write(np.ascontiguousarray(values, dtype=self.dtype).data)

    def write(self, data: bytes) -> None:
        """Append bytes that are values of the right type, in C order."""
        self._file.write(data)

    def finish(self, fortran: tuple[int, ...] | None = None) -> NDArray[Any]:
        """Close the file, and return all examples, memory-mapped and read-only: [N, *shape].

        Args:
            fortran: The full shape of the array, where the bytes written are a whole array in Fortran order. It may
                lack axes of length 1 that `shape` has.
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
