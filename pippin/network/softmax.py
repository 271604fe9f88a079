"""The softmax and its logarithm."""

from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step


def softmax(step: Step, x: Array) -> Array:
    """y[c] = exp(x[c]) / sum_k exp(x[k]) over the channels, [N, C] or [N, H, W, C] (`SoftmaxLayerParams`)."""
    exponentials = step.xp.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def log_softmax(x: Array, xp: Namespace) -> Array:
    """log(softmax(x)) over the last axis, finite for every finite x."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
