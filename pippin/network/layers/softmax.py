"""The softmax and its logarithm."""

from pippin.models.spec.layers.softmax import Softmax
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step


def softmax(step: Step[Softmax], x: Array) -> Array:
    """Normalise over the channels: y[c] = exp(x[c]) / sum_k exp(x[k]), any shape (`SoftmaxLayerParams`, version 1).

    Of a blob of rank 3 it is over the last axis; see `pippin.models.spec.layers.softmax`.
    """
    axis = -2 if x.ndim == 4 else -1
    exponentials = step.xp.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def log_softmax(x: Array, xp: Namespace) -> Array:
    """log(softmax(x)): [N, C] -> [N, C], finite wherever x is and the spread of x too."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
