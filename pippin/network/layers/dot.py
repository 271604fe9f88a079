"""The dot product of two vectors."""

from pippin.models.spec.layers.dot import Dot
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step


def dot(step: Step[Dot], one: Array, other: Array) -> Array:
    """Multiply and add up: y = sum_c x1[c] * x2[c], each divided by its length first for the cosine of their angle.

    [N, ..., 1, 1, C] twice -> [N, ..., 1, 1, 1] (`DotProductLayerParams`, version 1). A vector of zeros has no angle to
    another; its cosine is 0 here, where the formula has 0/0.
    """
    if step.layer.cosine_similarity:
        one, other = _direction(one, step.xp), _direction(other, step.xp)
    return (one * other).sum(axis=-1, keepdims=True)


def _direction(x: Array, xp: Namespace) -> Array:
    squares = (x * x).sum(axis=-1, keepdims=True)
    return x / xp.sqrt(xp.where(squares == 0, 1, squares))
