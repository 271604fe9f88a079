"""Elementwise sums, products and other functions of blobs, and the dot product."""

import operator
from collections.abc import Callable, Mapping
from functools import reduce
from types import MappingProxyType

from pippin.models.spec.layers.elementwise import Add, Average, Dot, Max, Min, Multiply, Unary
from pippin.network.arrays import Array, Namespace
from pippin.network.layers.pooling import first_maximum
from pippin.network.step import Step


def add(step: Step[Add], *blobs: Array) -> Array:
    """Add: y = x1 + x2 + ..., or y = x + alpha of one blob (`AddLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others.
    """
    return reduce(operator.add, blobs) if len(blobs) > 1 else blobs[0] + step.layer.alpha


def multiply(step: Step[Multiply], *blobs: Array) -> Array:
    """Multiply: y = x1 * x2 * ..., or y = alpha * x of one blob (`MultiplyLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others.
    """
    return reduce(operator.mul, blobs) if len(blobs) > 1 else step.layer.alpha * blobs[0]


def average(step: Step[Average], *blobs: Array) -> Array:  # noqa: ARG001 - the step has nothing to say
    """Average: y = (x1 + ... + xn) / n for each number (`AverageLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others.
    """
    return reduce(operator.add, blobs) / len(blobs)


def maximum(step: Step[Max], *blobs: Array) -> Array:
    """Select the largest: y = max_i x_i for each number (`MaxLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others. The gradient goes to the first of
    equals.
    """
    return first_maximum(blobs, step.xp)


def minimum(step: Step[Min], *blobs: Array) -> Array:
    """Select the smallest: y = min_i x_i for each number (`MinLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others. The gradient goes to the first of
    equals.
    """
    return -first_maximum([-blob for blob in blobs], step.xp)


def dot(step: Step[Dot], one: Array, other: Array) -> Array:
    """Multiply and sum: y = sum_c x1[c] * x2[c]; for the cosine similarity each vector is first divided by its length.

    Two [N, ..., 1, 1, C] -> [N, ..., 1, 1, 1] (`DotProductLayerParams`, version 1). The cosine with a vector of zeros
    is 0 here, where the formula has 0/0.
    """
    if step.layer.cosine_similarity:
        one, other = _direction(one, step.xp), _direction(other, step.xp)
    return (one * other).sum(axis=-1, keepdims=True)


def _direction(x: Array, xp: Namespace) -> Array:
    squares = (x * x).sum(axis=-1, keepdims=True)
    return x / xp.sqrt(xp.where(squares == 0, 1, squares))


def unary(step: Step[Unary], x: Array) -> Array:
    """Compute y = f(z) with z = scale * x + shift for each number, any shape (`UnaryFunctionLayerParams`, version 1).

    sqrt: the root of z. rsqrt: 1 / the root of (z + epsilon). inverse: 1 / (z + epsilon). power: z^alpha. exp: e^z.
    log: log(z). abs: |z|. threshold: max(alpha, z).

    Outside a function's domain, as for the root of a negative number, the result is NaN.
    """
    return _FUNCTIONS[step.layer.function](step.layer.scale * x + step.layer.shift, step.layer, step.xp)


def _root(z: Array, xp: Namespace) -> Array:
    """sqrt(z) with gradient 0 at z = 0, where the gradient of the plain root is infinite."""
    return xp.where(z == 0, 0, xp.sqrt(xp.where(z == 0, 1, z)))


_FUNCTIONS: Mapping[str, Callable[[Array, Unary, Namespace], Array]] = MappingProxyType(
    {
        "sqrt": lambda z, _layer, xp: _root(z, xp),
        "rsqrt": lambda z, layer, xp: 1 / xp.sqrt(z + layer.epsilon),
        "inverse": lambda z, layer, _xp: 1 / (z + layer.epsilon),
        "power": lambda z, layer, _xp: z**layer.alpha,
        "exp": lambda z, _layer, xp: xp.exp(z),
        "log": lambda z, _layer, xp: xp.log(z),
        "abs": lambda z, _layer, xp: xp.abs(z),
        "threshold": lambda z, layer, xp: xp.where(z < layer.alpha, layer.alpha, z),
    }
)
