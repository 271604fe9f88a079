"""Local response normalization."""

from pippin.models.spec.layers.lrn import LRN
from pippin.network.arrays import Array
from pippin.network.neighbours import combined
from pippin.network.step import Step


def lrn(step: Step[LRN], x: Array) -> Array:
    """Damp: y[c] = x[c] / (k + alpha / local_size * sum_j x[j]^2)^beta, j within the window around c.

    [N, ..., H, W, C] -> the same shape (`LRNLayerParams`, version 1). x is 0 beyond the channels that there are.
    """
    layer = step.layer
    before, after = layer.reach(x.shape[-1])
    squares = step.xp.pad(x * x, (*((0, 0),) * (x.ndim - 1), (before, after)))
    total = combined(squares, -1, before + 1 + after, lambda halves: halves[0] + halves[1])
    return x / (layer.k + layer.alpha / layer.local_size * total) ** layer.beta
