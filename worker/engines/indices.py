"""What the embeddings of a network look up in the examples, checked before any engine trains."""

from collections.abc import Iterator
from math import prod

import numpy as np

from pippin.api.states import Reason
from pippin.models.mlmodel import FrozenNetwork
from pippin.network.indices import embeddings, wrong_index
from pippin.network.plan import inputs_needed
from worker.engines.engine import EngineError, Examples, TrainingRun

# Numbers in all blobs of the examples that are looked at together: 16 MiB.
_NUMBERS = 2**22


def check_run_indices(network: FrozenNetwork, run: TrainingRun) -> None:
    """`check_indices` of all examples of a training.

    Raises:
        EngineError: An embedding is to look up an index that it does not know.
    """
    for examples in (run.training, run.validation):
        if examples is not None:
            check_indices(network, examples)


def check_indices(network: FrozenNetwork, examples: Examples) -> None:
    """Refuse examples in which an embedding is to look up what it does not know.

    Below an embedding nothing is trained, so what it looks up does not change during a training.

    Args:
        network: The network; embeddings that depend on an input which the examples do not hold are not looked at.
        examples: Those of a training or a validation.

    Raises:
        EngineError: There is such an example.
    """
    resolved = network.resolved
    asked = {entry.inputs[0] for entry in embeddings(resolved)}
    names = {
        name
        for blob in asked
        if (needed := inputs_needed(resolved, [blob])) <= examples.arrays.keys()
        for name in needed
    }
    if not names:
        return
    shapes = {feature.name: feature.lengths for feature in resolved.inputs}
    for rows in _portions(examples.count, sum(map(prod, resolved.shapes.values()))):
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


def _portions(count: int, numbers: int) -> Iterator[slice]:
    size = max(1, _NUMBERS // max(1, numbers))
    return (slice(begin, min(begin + size, count)) for begin in range(0, count, size))
