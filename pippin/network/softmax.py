"""The softmax and its logarithm."""

from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step
from pippin.spec.softmax import Softmax


def softmax(step: Step[Softmax], x: Array) -> Array:
    """Normalise: y[c] = exp(x[c]) / sum_k exp(x[k]): [N, C] -> [N, C] (`SoftmaxLayerParams`)."""
    exponentials = step.xp.exp(x - x.max(axis=-1, keepdims=True))
    return exponentials / exponentials.sum(axis=-1, keepdims=True)


def log_softmax(x: Array, xp: Namespace) -> Array:
    """log(softmax(x)): [N, C] -> [N, C], finite wherever x is and the spread of x too."""
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - xp.log(xp.exp(shifted).sum(axis=-1, keepdims=True))
