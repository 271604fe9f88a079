"""Embedding: a row of numbers for each whole number."""

from pippin.models.spec.layers.embedding import Embedding
from pippin.network.arrays import Array
from pippin.network.step import Step


def embedding(step: Step[Embedding], x: Array) -> Array:
    """Look up: y[o] = bias[o] + weights[o, x] (`EmbeddingLayerParams`, version 1).

    [N, ..., 1, 1, 1] -> [N, ..., 1, 1, outC]; weights are [outC, inputDim], the bias [outC]. A number between whole
    ones is taken for the nearest, one out of range for the nearest in it, and what is not a number stays so: compiled
    code cannot refuse them, so `pippin.network.indices` does before it runs.
    """
    xp = step.xp
    known = xp.where(xp.isnan(x), 0, x)
    # Within range before it becomes a whole number: one that is too large for those has no defined value.
    index = xp.rint(xp.clip(known, 0, step.layer.input_dim - 1)).astype(int)
    rows = xp.take(step.weights["weights"].T, index[..., 0], axis=0, mode="clip")
    y = xp.where(xp.isnan(x), x, rows)
    return y + step.weights["bias"] if step.layer.has_bias else y
