"""The examples' arrays laid out for the device."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from worker.engines.columns import Column, matrix_of
from worker.engines.engine import Examples

# Kept as stored until a mini-batch is read: a quarter of the memory and of the traffic of float32.
_KEPT = frozenset({"uint8", "int8", "uint16", "int16", "int32", "float16", "float32"})


class Source:
    """Examples as matrices of one row an example, in a dtype that the device reads.

    Attributes:
        count: How many examples there are.
        scales: One factor a column.
    """

    def __init__(self, examples: Examples, columns: tuple[Column, ...]) -> None:
        """Look at the arrays; none is copied.

        Raises:
            EngineError: An array is missing, has not the model's shape, or names a class that the model does not have.
        """
        self.count = examples.count
        self.scales = tuple(np.float32(examples.scales.get(column.name, 1.0)) for column in columns)
        self._arrays = [matrix_of(examples, column) for column in columns]
        self._dtypes = [
            np.dtype(array.dtype.name) if array.dtype.name in _KEPT else column.dtype
            for array, column in zip(self._arrays, columns, strict=True)
        ]

    @property
    def bytes_per_example(self) -> int:
        """What one example takes on the device."""
        return sum(array.shape[1] * dtype.itemsize for array, dtype in zip(self._arrays, self._dtypes, strict=True))

    def empty(self, rows: int) -> tuple[NDArray[Any], ...]:
        """Zeroed matrices for that many examples; what is never touched of them takes no memory."""
        return tuple(
            _aligned(rows, array.shape[1], dtype) for array, dtype in zip(self._arrays, self._dtypes, strict=True)
        )

    def fill(self, matrices: tuple[NDArray[Any], ...], rows: slice | NDArray[np.int32]) -> None:
        """Copy the examples `rows` into the first rows of `matrices`."""
        for array, matrix in zip(self._arrays, matrices, strict=True):
            taken = array[rows]
            matrix[: len(taken)] = taken


def _aligned(rows: int, columns: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Zeros that begin at a multiple of 64 bytes: a CPU reads those where they lie, all others it copies first."""
    size = rows * columns * dtype.itemsize
    room = np.zeros(size + 63, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size].view(dtype).reshape(rows, columns)
