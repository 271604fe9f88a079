"""Local response normalization."""

from pippin.network.arrays import Array
from pippin.network.step import Step
from pippin.spec.layers.lrn import LRN


def lrn(step: Step[LRN], x: Array) -> Array:
    """Damp: y[c] = x[c] / (k + alpha / local_size * sum_j x[j]^2)^beta, j within the window around c.

    [N, ..., H, W, C] -> the same shape (`LRNLayerParams`, version 1). x is 0 beyond the channels that there are.
    """
    layer = step.layer
    before, after = layer.reach(x.shape[-1])
    squares = step.xp.pad(x * x, (*((0, 0),) * (x.ndim - 1), (before, after)))
    total = _sums(squares, before + 1 + after)
    return x / (layer.k + layer.alpha / layer.local_size * total) ** layer.beta


def _sums(x: Array, width: int) -> Array:
    """The sum of each `width` numbers in a row: [..., C + width - 1] -> [..., C].

    Twice the sum of half as many, so that a wide window takes few steps.
    """
    if width == 1:
        return x
    if width % 2:
        return _sums(x[..., :-1], width - 1) + x[..., width - 1 :]
    halves = _sums(x, width // 2)
    return halves[..., : -(width // 2)] + halves[..., width // 2 :]
