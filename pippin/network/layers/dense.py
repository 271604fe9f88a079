"""Inner product and embedding: a matrix product with each vector, or a lookup of matrix rows."""

from pippin.models.spec.layers.dense import Embedding, InnerProduct
from pippin.network.arrays import Array, to_channels_first, to_channels_last, to_vectors
from pippin.network.step import Step, over_images


def inner_product(step: Step[InnerProduct], x: Array) -> Array:
    """Multiply: y[o] = bias[o] + sum_c weights[o, c] * x[c] (`InnerProductLayerParams`, version 1).

    Weights are [outC, C], the bias [outC]. c runs over the last axis of a blob of rank 1 to 3, and over C, H and W of a
    blob of rank 4 or 5: [..., C, H, W] -> [..., outC, 1, 1].
    """
    if x.ndim > 4:
        output: Array = _of_images(step, x)
        return output
    xp = step.xp
    return to_channels_last(_product(step, to_channels_first(x, xp)), xp)


@over_images
def _of_images(step: Step[InnerProduct], x: Array) -> Array:
    flat = to_vectors(to_channels_first(x, step.xp)) if x.shape[1:3] != (1, 1) else x.reshape(x.shape[0], -1)
    return _product(step, flat).reshape(x.shape[0], 1, 1, -1)


def _product(step: Step[InnerProduct], x: Array) -> Array:
    y = x @ step.weights["weights"].T
    return y + step.weights["bias"] if step.layer.has_bias else y


def embedding(step: Step[Embedding], x: Array) -> Array:
    """Look up: y[o] = bias[o] + weights[o, x] (`EmbeddingLayerParams`, version 1).

    [N, ..., 1, 1, 1] -> [N, ..., 1, 1, outC]; weights are [outC, inputDim], the bias [outC]. A fraction is rounded to
    the nearest integer, an index out of range is clipped, and NaN stays NaN: compiled code cannot refuse invalid
    indices, so `pippin.network.indices` checks them before it runs.
    """
    xp = step.xp
    without_nan = xp.where(xp.isnan(x), 0, x)
    # Clip before the conversion to integer, whose result for a number out of the integer range is undefined.
    index = xp.rint(xp.clip(without_nan, 0, step.layer.input_dim - 1)).astype(int)
    rows = xp.take(step.weights["weights"].T, index[..., 0], axis=0, mode="clip")
    y = xp.where(xp.isnan(x), x, rows)
    return y + step.weights["bias"] if step.layer.has_bias else y
