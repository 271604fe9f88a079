"""Array types of NumPy and JAX, and conversions of their layout.

Between layers, a blob of shape (..., C, H, W) has the layout [N, ..., H, W, C], which XLA's CPU compiler handles
faster: each slice of a window then ends in contiguous runs of channels. Callers, and layers that are written with
`in_file_order`, get the declared layout. A blob of rank 1 or 2 keeps its declared layout, [N, ...].
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
    """The caller's convolution, for devices where it is faster than slices and a matrix product."""

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

        `borders` is the number of zeros to add: ((top, bottom), (left, right)).
        """


def to_channels_last(x: Array, xp: Namespace) -> Array:
    """[N, ..., C, H, W] -> [N, ..., H, W, C]; a blob of rank 1 or 2 is returned unchanged."""
    return xp.moveaxis(x, -3, -1) if x.ndim > 3 else x


def to_channels_first(x: Array, xp: Namespace) -> Array:
    """[N, ..., H, W, C] -> [N, ..., C, H, W]; a blob of rank 1 or 2 is returned unchanged."""
    return xp.moveaxis(x, -1, -3) if x.ndim > 3 else x


def to_vectors(x: Array) -> Array:
    """[N, ...] -> [N, C]: the numbers of each example in row-major order."""
    return x.reshape(x.shape[0], math.prod(x.shape[1:]))


def safe_root(x: Array, xp: Namespace) -> Array:
    """sqrt(x) for x >= 0, with gradient 0 at x = 0, where the gradient of the plain root is infinite."""
    positive = xp.where(x > 0, x, 1)
    return xp.where(x > 0, xp.sqrt(positive), xp.where(x <= 0, 0, x))
