"""The bias as a layer of its own."""

from pippin.models.spec.layers.bias import Bias
from pippin.network.arrays import Array, Namespace, to_channels_last
from pippin.network.step import Step


def bias(step: Step[Bias], x: Array) -> Array:
    """Add: y = x + bias (`BiasLayerParams`, version 1).

    [N, ..., H, W, C] -> the same; the bias is [1], [C], [1, H, W] or [C, H, W].
    """
    return x + repeatable(step.weights["bias"], step.xp)


def repeatable(array: Array, xp: Namespace) -> Array:
    """An array of a layer, [1], [C], [1, H, W] or [C, H, W], as it goes with blobs [N, ..., H, W, C]."""
    return to_channels_last(array[None], xp)
