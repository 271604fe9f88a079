"""The fully connected layer."""

import math

from pippin.network.arrays import Array, to_channels_first
from pippin.network.step import Step


def inner_product(step: Step, x: Array) -> Array:
    """y[o] = sum_i weights[o, i] * x[i] + bias[o]: [N, in] -> [N, out] (`InnerProductLayerParams`).

    Weights are [out, in], the bias [out]. An input of rank 3 counts as the vector of its values in the order C, H, W.
    """
    vector = to_channels_first(x, step.xp).reshape(x.shape[0], math.prod(x.shape[1:]))
    y = vector @ step.weights["weights"].T
    return y + step.weights["bias"] if "bias" in step.weights else y
