"""The inner product: a fully connected layer."""

from pippin.models.spec.layers.inner_product import InnerProduct
from pippin.network.arrays import Array, to_channels_first, to_channels_last, to_vectors
from pippin.network.step import Step, over_images


def inner_product(step: Step[InnerProduct], x: Array) -> Array:
    """Multiply: y[o] = bias[o] + sum_c weights[o, c] * x[c] (`InnerProductLayerParams`, version 1).

    Weights are [outC, C], the bias [outC]. c runs over the last axis of a blob of rank 1 to 3, and over C, H and W of
    one of rank 4 or 5: [..., C, H, W] -> [..., outC, 1, 1].
    """
    if x.ndim > 4:
        made: Array = _of_images(step, x)
        return made
    xp = step.xp
    return to_channels_last(_product(step, to_channels_first(x, xp)), xp)


@over_images
def _of_images(step: Step[InnerProduct], x: Array) -> Array:
    flat = to_vectors(to_channels_first(x, step.xp)) if x.shape[1:3] != (1, 1) else x.reshape(x.shape[0], -1)
    return _product(step, flat).reshape(x.shape[0], 1, 1, -1)


def _product(step: Step[InnerProduct], x: Array) -> Array:
    y = x @ step.weights["weights"].T
    return y + step.weights["bias"] if step.layer.has_bias else y
