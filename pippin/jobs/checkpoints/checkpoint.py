"""What a training needs to go on as if it had never stopped."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from pippin.models.spec.weights import Weights


@dataclass(frozen=True, eq=False)
class ShuffleState:
    """Where a shuffle stands that goes on from epoch to epoch.

    Attributes:
        order: [count] row numbers of the examples in the order of the last finished epoch, int32; that of the data
            before the first.
        generator: The state of the random-number generator after it, 1 to 2147483646.
    """

    order: NDArray[np.int32]
    generator: int


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands, between two mini-batches.

    Attributes:
        engine: Which one trained so far; the others could not go on from here.
        epoch: How many epochs are finished.
        step: How many mini-batches of the epoch after those were taken; 0 at an epoch's end.
        taken: How many optimizer steps were taken in all.
        batch_sums: The sum of the losses of each of those `step` mini-batches, over the examples that are its own.
        weights: The weights that training changes, by layer and key.
        moments: What the optimizer remembers of each of these weights, in arrays of their shapes: Adam's m and v,
            the velocity of SGD. Empty where the engine does not give it, as Core ML does not.
        batch_totals: The sums of losses over all that each of the `step` mini-batches counts, with the examples that
            fill up the last one.
        environment: What the bits of a result depend on: versions, device, number of threads.
        switches: How the engine trains where Core ML's documents are silent; a training keeps to what it began with.
            Empty in files of the format `pippin-checkpoint-1`, and for an engine that has no such switches.
        shuffle: Where the shuffle stood at the end of the last finished epoch; None without one that goes on.
    """

    engine: str
    epoch: int
    step: int
    taken: int
    batch_sums: tuple[float, ...]
    weights: Weights
    moments: tuple[Weights, ...] = ()
    batch_totals: tuple[float, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    switches: Mapping[str, str] = field(default_factory=dict)
    shuffle: ShuffleState | None = None
