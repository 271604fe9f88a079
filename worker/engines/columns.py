"""The training inputs of a model, and what its examples must be before any engine sees them."""

from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.states import Reason
from pippin.models.spec import ResolvedSpec, Shape
from pippin.models.trainable import trainable_network
from worker.engines.engine import EngineError, Examples


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


def matrix_of(examples: Examples, column: Column) -> NDArray[Any]:
    """[N, size]: a training input as stored, one row an example; nothing is copied.

    Raises:
        EngineError: The array is missing, has not the model's shape, or names a class that the model does not have.
    """
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
