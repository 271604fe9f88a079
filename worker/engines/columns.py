"""The training inputs of a model, and the checks of its examples before any engine reads them."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.states import Reason
from pippin.models.mlmodel import FrozenNetwork
from pippin.models.spec import ResolvedSpec, Shape
from pippin.models.trainable import trainable_network
from pippin.network.indices import embeddings, wrong_index
from pippin.network.plan import inputs_needed
from worker.engines.engine import EngineError, Examples, TrainingRun


@dataclass(frozen=True)
class Column:
    """One training input.

    Attributes:
        name: The input's name.
        shape: Shape of one example.
        classes: Number of classes if the input holds class indices; None for plain numbers.
    """

    name: str
    shape: Shape
    classes: int | None

    @property
    def size(self) -> int:
        """Numbers per example."""
        return prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The data type in which the network computes."""
        return np.dtype(np.float32 if self.classes is None else np.int32)


def columns_of(resolved: ResolvedSpec) -> tuple[Column, ...]:
    """The training inputs, in the order of the model."""
    model = trainable_network(resolved)
    return tuple(
        Column(feature.name, feature.lengths, model.classes if feature.name == model.target else None)
        for feature in model.features
    )


def matrix_of(examples: Examples, column: Column) -> NDArray[Any]:
    """[N, size]: a view of a training input as stored, one row per example.

    Raises:
        EngineError: The array is missing, has the wrong shape, or holds the index of a class that does not exist.
    """
    array = examples.arrays.get(column.name)
    if array is None:
        names = ", ".join(examples.arrays)
        raise EngineError(
            Reason.INVALID_DATA, f"the examples have no {column.name}, which the model needs; they have {names}"
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
    # The network would compute no loss for an example whose class does not exist.
    wrong = np.flatnonzero((array < 0) | (array >= classes) | (array != np.trunc(array)))
    if wrong.size:
        row = int(wrong[0])
        raise EngineError(
            Reason.INVALID_DATA,
            f"row {row} of {name} is {array.reshape(-1)[row]}; it must be a whole number from 0 to {classes - 1}",
        )


# Maximum count of numbers in all blobs of the examples that are checked together: 16 MiB.
_MAX_NUMBERS = 2**22


def check_run_indices(network: FrozenNetwork, run: TrainingRun) -> None:
    """Call `check_indices` for all examples of a training.

    Raises:
        EngineError: An example holds an index outside of an embedding's range.
    """
    for examples in (run.training, run.validation):
        if examples is not None:
            check_indices(network, examples)


def check_indices(network: FrozenNetwork, examples: Examples) -> None:
    """Refuse examples with an index outside of an embedding's range.

    No layer below an embedding is trained, so that an embedding's indices do not change during a training.

    Args:
        network: The network; embeddings that depend on an input which the examples do not hold are not checked.
        examples: The examples of a training or a validation.

    Raises:
        EngineError: An example holds such an index.
    """
    resolved = network.resolved
    index_blobs = {entry.inputs[0] for entry in embeddings(resolved)}
    names = {
        name
        for blob in index_blobs
        if (needed := inputs_needed(resolved, [blob])) <= examples.arrays.keys()
        for name in needed
    }
    if not names:
        return
    shapes = {feature.name: feature.lengths for feature in resolved.inputs}
    for rows in _batches(examples.count, sum(map(prod, resolved.shapes.values()))):
        inputs = {
            name: np.asarray(examples.arrays[name][rows], np.float32).reshape(-1, *shapes[name])
            * np.float32(examples.scales.get(name, 1.0))
            for name in names
        }
        wrong = wrong_index(resolved, network.weights, inputs)
        if wrong is not None:
            raise EngineError(
                Reason.INVALID_DATA,
                f"row {rows.start + wrong.row} of {wrong.blob} is {wrong.value:g}; it must be {wrong.needed}",
            )


def _batches(count: int, numbers: int) -> Iterator[slice]:
    size = max(1, _MAX_NUMBERS // max(1, numbers))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size))
