"""What a training needs to go on as if it had never stopped."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pippin.spec.weights import Weights


@dataclass(frozen=True)
class Checkpoint:
    """Where a training stands, between two mini-batches.

    Attributes:
        engine: Which one trained so far; the others could not go on from here.
        epoch: How many epochs are finished.
        step: How many mini-batches of the epoch after those were taken; 0 at an epoch's end.
        taken: How many optimizer steps were taken in all.
        batch_sums: The sum of the losses of each of those `step` mini-batches.
        weights: The weights that training changes, by layer and key.
        moments: What the optimizer remembers of each of these weights, in arrays of their shapes: Adam's m and v,
            the velocity of SGD. Empty where the engine does not give it, as Core ML does not.
        environment: What the bits of a result depend on: versions, device, number of threads.
    """

    engine: str
    epoch: int
    step: int
    taken: int
    batch_sums: tuple[float, ...]
    weights: Weights
    moments: tuple[Weights, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
