"""Where the device finds the examples that a chunk of steps reads.

A program reads mini-batches as rows of matrices. Whether these hold all examples or only the chunk's makes no
difference to the program, nor to a single bit of what it computes.
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


# Examples that one call may visit: its rows go over as int32, so this bounds what a call copies to 256 KB.
_CALL = 65_536
# Room for the examples of one chunk, where not all fit on the device.
_WINDOW_BYTES = 32 * 2**20
# Where the host is the device, a window costs next to nothing, and a large data set had better stay on disk.
_HOST_BYTES = 512 * 2**20


class Table(ABC):
    """Examples on the device, read in mini-batches of one size.

    Attributes:
        max_steps: The most steps that one call can run; every call's arrays are that long.
    """

    max_steps: int

    def __init__(self, source: Source) -> None:
        self._source = source

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return self._source.count

    def steps(self, batches: MiniBatches, scalars: NDArray[np.float64]) -> Steps:
        """What a program needs to run the mini-batches, no more than `max_steps` of them."""
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
        """Matrices on the device, and which of their rows hold the examples `rows`, in the same shape."""


def room_for_examples() -> int:
    """How many bytes of the default device's memory examples may take for a whole training."""
    stats = jax.devices()[0].memory_stats()  # None for a CPU
    return int(stats["bytes_limit"]) // 2 if stats else _HOST_BYTES


def table_for(source: Source, size: int, limit: int) -> Table:
    """A table for mini-batches of `size`: of all examples if they take no more than `limit` bytes, else a window."""
    max_steps = min(max(_CALL // size, 16), 1024)
    if roomy(source.count) * source.bytes_per_example <= limit:
        return _Whole(source, max_steps)
    return _Window(source, min(max(_WINDOW_BYTES // (size * source.bytes_per_example), 1), max_steps), size)


class _Whole(Table):
    """All examples, put on the device once."""

    def __init__(self, source: Source, max_steps: int) -> None:
        super().__init__(source)
        self.max_steps = max_steps
        matrices = source.empty(roomy(source.count))
        source.fill(matrices, slice(None))
        self._matrices = tuple(jax.device_put(matrices))

    def _placed(self, rows: NDArray[np.int32]) -> tuple[Arrays, NDArray[np.int32]]:
        return self._matrices, rows


class _Window(Table):
    """The examples of one chunk, put on the device when the chunk is about to run."""

    def __init__(self, source: Source, max_steps: int, size: int) -> None:
        super().__init__(source)
        self.max_steps = max_steps
        self._size = size

    def _placed(self, rows: NDArray[np.int32]) -> tuple[Arrays, NDArray[np.int32]]:
        # New matrices for each chunk, since on a CPU the device reads them where they lie.
        matrices = self._source.empty(self.max_steps * self._size)
        self._source.fill(matrices, rows.reshape(-1))
        return tuple(jax.device_put(matrices)), np.arange(rows.size, dtype=np.int32).reshape(rows.shape)


def roomy(count: int) -> int:
    """The next of 64, 96, 128, 192, 256 …, so that data sets of about one size share a compiled program."""
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
