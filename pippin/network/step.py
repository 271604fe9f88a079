"""One layer about to be computed: its fields and shapes, its weights, and what to compute with."""

from dataclasses import dataclass

from pippin.network.arrays import Convolve, LayerWeights, Namespace
from pippin.spec import ResolvedLayer


@dataclass(frozen=True)
class Step:
    """What a layer's function is given besides its input arrays.

    Arrays are [N, C], or channels-last [N, H, W, C] where the spec says C, H, W.

    Attributes:
        layer: The layer with its fields and its shapes (channels first, without N).
        weights: Its "weights" and, where it has one, "bias", in the file's order.
        xp: numpy or jax.numpy.
        convolve: The caller's own convolution, or None for slices and a matrix product.
    """

    layer: ResolvedLayer
    weights: LayerWeights
    xp: Namespace
    convolve: Convolve | None
