"""The examples on the device, as matrices from which a chunk of steps reads.

A program reads mini-batches as rows of matrices. The matrices hold all examples or only the chunk's; the program and
the bits of its results are the same in both cases.
"""

from abc import ABC, abstractmethod
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from worker.engines.columns import Column, matrix_of
from worker.engines.engine import Examples
from worker.engines.jax.programs import Arrays, Steps
from worker.engines.jax.schedule import MiniBatches

# Data types that stay as stored until a mini-batch is read: uint8 takes a quarter of float32's memory and traffic.
_DEVICE_DTYPES = frozenset({"uint8", "int8", "uint16", "int16", "int32", "float16", "float32"})


class Source:
    """Examples as matrices with one row per example, in a data type that the device reads.

    Attributes:
        count: Number of examples.
        scales: One factor per column.
    """

    def __init__(self, examples: Examples, columns: tuple[Column, ...]) -> None:
        """Check the arrays; none is copied.

        Raises:
            EngineError: An array is missing, has the wrong shape, or holds the index of a class that does not exist.
        """
        self.count = examples.count
        self.scales = tuple(np.float32(examples.scales.get(column.name, 1.0)) for column in columns)
        self._arrays = [matrix_of(examples, column) for column in columns]
        self._dtypes = [
            np.dtype(array.dtype.name) if array.dtype.name in _DEVICE_DTYPES else column.dtype
            for array, column in zip(self._arrays, columns, strict=True)
        ]

    @property
    def bytes_per_example(self) -> int:
        """Bytes of one example on the device."""
        return sum(array.shape[1] * dtype.itemsize for array, dtype in zip(self._arrays, self._dtypes, strict=True))

    def empty(self, rows: int) -> tuple[NDArray[Any], ...]:
        """Zeroed matrices for that many examples; pages that are never touched take no memory."""
        return tuple(
            _aligned(rows, array.shape[1], dtype) for array, dtype in zip(self._arrays, self._dtypes, strict=True)
        )

    def fill(self, matrices: tuple[NDArray[Any], ...], rows: slice | NDArray[np.int32]) -> None:
        """Copy the examples `rows` into the first rows of `matrices`."""
        for array, matrix in zip(self._arrays, matrices, strict=True):
            taken = array[rows]
            matrix[: len(taken)] = taken


def _aligned(rows: int, columns: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Zeros aligned to 64 bytes: on a CPU, JAX reads aligned arrays in place, and copies others first."""
    size = rows * columns * dtype.itemsize
    room = np.zeros(size + 63, np.uint8)
    start = -room.ctypes.data % 64
    return room[start : start + size].view(dtype).reshape(rows, columns)


# Maximum number of examples per call. The rows are passed as int32, so that a call copies at most 256 KB.
_MAX_EXAMPLES_PER_CALL = 65_536
# Memory for the examples of one chunk, if not all fit on the device.
_WINDOW_BYTES = 32 * 2**20
# Limit if the host is the device: there a window costs almost nothing, and a large data set should stay on disk.
_HOST_BYTES = 512 * 2**20


class Table(ABC):
    """Examples on the device, read in mini-batches of one size.

    Attributes:
        max_steps: Maximum number of steps per call; the arrays of every call have that length.
    """

    max_steps: int

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def examples(self) -> int:
        """The number of examples."""
        return self._source.count

    def steps(self, batches: MiniBatches, scalars: NDArray[np.float64]) -> Steps:
        """A program's arguments for the mini-batches, at most `max_steps`."""
        matrices, placed = self._placed(batches.rows)
        return Steps(
            table=matrices,
            scales=self._source.scales,
            rows=_padded(placed, self.max_steps),
            valid_counts=_padded(batches.valid_counts, self.max_steps),
            repeats=_padded(batches.repeats, self.max_steps),
            again=_padded(batches.again, self.max_steps),
            scalars=_padded(scalars.astype(np.float32), self.max_steps),
            count=np.int32(len(batches)),
        )

    @abstractmethod
    def _placed(self, rows: NDArray[np.int32]) -> tuple[Arrays, NDArray[np.int32]]:
        """Matrices on the device, and the numbers of their rows that hold the examples `rows`, in the same shape."""


def max_resident_bytes() -> int:
    """Maximum bytes of examples that stay on the default device during a whole training."""
    stats = jax.devices()[0].memory_stats()  # None on a CPU
    return int(stats["bytes_limit"]) // 2 if stats else _HOST_BYTES


def table_for(source: Source, size: int, limit: int) -> Table:
    """A table for mini-batches of `size`: all examples if they take at most `limit` bytes, else a window."""
    max_steps = min(max(_MAX_EXAMPLES_PER_CALL // size, 16), 1024)
    if rounded_up(source.count) * source.bytes_per_example <= limit:
        return _Whole(source, max_steps)
    return _Window(source, min(max(_WINDOW_BYTES // (size * source.bytes_per_example), 1), max_steps), size)


class _Whole(Table):
    """All examples, copied to the device once."""

    def __init__(self, source: Source, max_steps: int) -> None:
        super().__init__(source)
        self.max_steps = max_steps
        matrices = source.empty(rounded_up(source.count))
        source.fill(matrices, slice(None))
        self._matrices = tuple(jax.device_put(matrices))

    def _placed(self, rows: NDArray[np.int32]) -> tuple[Arrays, NDArray[np.int32]]:
        return self._matrices, rows


class _Window(Table):
    """The examples of one chunk, copied to the device before the chunk runs."""

    def __init__(self, source: Source, max_steps: int, size: int) -> None:
        super().__init__(source)
        self.max_steps = max_steps
        self._size = size

    def _placed(self, rows: NDArray[np.int32]) -> tuple[Arrays, NDArray[np.int32]]:
        # New matrices for each chunk, since on a CPU the device reads them in place.
        matrices = self._source.empty(self.max_steps * self._size)
        self._source.fill(matrices, rows.reshape(-1))
        return tuple(jax.device_put(matrices)), np.arange(rows.size, dtype=np.int32).reshape(rows.shape)


def rounded_up(count: int) -> int:
    """Round `count` up to 64, 96, 128, 192, 256 …, so that data sets of similar size share a compiled program."""
    size = 64
    while size < count:
        if size + size // 2 >= count:
            return size + size // 2
        size *= 2
    return size


def _padded(array: NDArray[Any], length: int) -> NDArray[Any]:
    padded = np.zeros((length, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded
