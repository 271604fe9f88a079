"""The inner product: a fully connected layer."""

from pippin.network.arrays import Array, to_vectors
from pippin.network.step import Step
from pippin.spec.inner_product import InnerProduct


def inner_product(step: Step[InnerProduct], x: Array) -> Array:
    """Multiply: y[o] = bias[o] + sum_c weights[o, c] * x[c]: [N, C] -> [N, outC] (`InnerProductLayerParams`).

    Weights are [outC, C], the bias [outC]. The input may be an image of one pixel.
    """
    y = to_vectors(x) @ step.weights["weights"].T
    return y + step.weights["bias"] if step.layer.has_bias else y
