"""One layer about to be computed: its fields, its weights, and what to compute with."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from pippin.network.arrays import Convolve, LayerWeights, Namespace
from pippin.spec import Layer

LayerT = TypeVar("LayerT", bound=Layer)


@dataclass(frozen=True)
class Step(Generic[LayerT]):
    """What a layer's function is given besides its input arrays.

    Attributes:
        layer: The layer with every field filled in.
        weights: Its "weights" and, where it has one, its "bias", in the order of the file.
        xp: numpy or jax.numpy.
        convolve: The caller's own convolution, or None for slices and a matrix product.
    """

    layer: LayerT
    weights: LayerWeights
    xp: Namespace
    convolve: Convolve | None = None
