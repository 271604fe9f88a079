"""What the layers compute on: arrays of NumPy or JAX, and the module that makes and combines them.

A blob of shape (..., C, H, W) lies between layers as [N, ..., H, W, C], which XLA's CPU compiler likes: a window's
slice then ends in whole runs of channels. Callers see it as the model declares it, and so do the functions of layers
that care about axes more than about speed. A blob of rank 1 or 2 lies as it is declared, [N, ...].
"""

import math
from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

# NumPy arrays, JAX arrays and JAX tracers share no base class, only an interface too wide to restate.
Array: TypeAlias = Any
Namespace: TypeAlias = Any

LayerWeights: TypeAlias = Mapping[str, Array]
"""A layer's arrays in the order of the file, under "weights" and "bias"."""

Weights: TypeAlias = Mapping[str, LayerWeights]
"""Layer name -> its arrays."""


class Convolve(Protocol):
    """A convolution that the caller brings, where its device has a better one than slices and a matrix product."""

    def __call__(
        self,
        x: Array,
        kernel: Array,
        *,
        stride: tuple[int, int],
        dilation: tuple[int, int],
        borders: tuple[tuple[int, int], tuple[int, int]],
        groups: int,
    ) -> Array:
        """Slide `kernel` [kH, kW, inC/groups, outC], not flipped, over `x` [N, H, W, inC]: [N, H', W', outC].

        `borders` says how many zeros to add ((top, bottom), (left, right)).
        """


def to_channels_last(x: Array, xp: Namespace) -> Array:
    """[N, ..., C, H, W] -> [N, ..., H, W, C]; a blob of rank 1 or 2 as it is."""
    return xp.moveaxis(x, -3, -1) if x.ndim > 3 else x


def to_channels_first(x: Array, xp: Namespace) -> Array:
    """[N, ..., H, W, C] -> [N, ..., C, H, W]; a blob of rank 1 or 2 as it is."""
    return xp.moveaxis(x, -1, -3) if x.ndim > 3 else x


def to_vectors(x: Array) -> Array:
    """[N, ...] -> [N, C]: the numbers of each example in the order in which they lie."""
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


def safe_root(x: Array, xp: Namespace) -> Array:
    """sqrt(x) of numbers that are 0 or more, with the gradient 0 where x is 0: the root's own is infinite there."""
    positive = xp.where(x > 0, x, 1)
    return xp.where(x > 0, xp.sqrt(positive), xp.where(x <= 0, 0, x))
