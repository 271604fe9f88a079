"""The training inputs of a model, and the examples' arrays laid out for the device."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.jobs.states import Reason
from pippin.models.trainable import trainable_network
from pippin.spec import ResolvedSpec, Shape
from worker.engines.engine import EngineError, Examples

# Kept as stored until a mini-batch is read: a quarter of the memory and of the traffic of float32.
_KEPT = frozenset({"uint8", "int8", "uint16", "int16", "int32", "float16", "float32"})


@dataclass(frozen=True)
class Column:
    """One training input.

    Attributes:
        name: Its name.
        shape: Of one example.
        classes: How many classes it tells apart, when it holds class indices; None for plain numbers.
    """

    name: str
    shape: Shape
    classes: int | None

    @property
    def size(self) -> int:
        """Numbers an example."""
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """What the network computes it in."""
        return np.dtype(np.float32 if self.classes is None else np.int32)


def columns_of(resolved: ResolvedSpec) -> tuple[Column, ...]:
    """The model's training inputs in its own order."""
    model = trainable_network(resolved)
    return tuple(
        Column(feature.name, feature.lengths, model.classes if feature.name == model.target else None)
        for feature in model.features
    )


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
        self._arrays = [_matrix(examples, column) for column in columns]
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


def _matrix(examples: Examples, column: Column) -> NDArray[Any]:
    array = examples.arrays.get(column.name)
    if array is None:
        found = ", ".join(examples.arrays)
        raise EngineError(
            Reason.INVALID_DATA, f"the examples have no {column.name}, which the model needs, but {found}"
        )
    if array.shape[:1] != (examples.count,) or array.size != examples.count * column.size:
        raise EngineError(
            Reason.INVALID_DATA,
            f"the examples of {column.name} have the shape {list(array.shape)}; "
            f"the model needs {[examples.count, *column.shape]}",
        )
    if column.classes is not None:
        _check_classes(array, column.name, column.classes)
    return array.reshape(examples.count, -1)


def _check_classes(array: NDArray[Any], name: str, classes: int) -> None:
    # The network would take what is no class for an example without a loss.
    wrong = np.flatnonzero((array < 0) | (array >= classes) | (array != np.trunc(array)))
    if wrong.size:
        row = int(wrong[0])
        raise EngineError(
            Reason.INVALID_DATA,
            f"row {row} of {name} is {array.reshape(-1)[row]}; it must be a whole number from 0 to {classes - 1}",
        )
