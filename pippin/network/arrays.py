"""What the layers compute on: arrays of NumPy or JAX, and the module that makes and combines them."""

from collections.abc import Mapping
from typing import Any, Protocol, TypeAlias

# NumPy arrays, JAX arrays and JAX tracers share no base class, only an interface too wide to restate.
Array: TypeAlias = Any
Namespace: TypeAlias = Any
LayerWeights: TypeAlias = Mapping[str, Array]
Weights: TypeAlias = Mapping[str, LayerWeights]


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
        """Cross-correlate `x` [N, H, W, inC] with `kernel` [kH, kW, inC/groups, outC] into [N, H', W', outC].

        `borders` are the rows of zeros added ((top, bottom), (left, right)).
        """


def to_channels_last(x: Array, xp: Namespace) -> Array:
    """[N, C, H, W] -> [N, H, W, C]; arrays of another rank as they are."""
    return xp.transpose(x, (0, 2, 3, 1)) if x.ndim == 4 else x


def to_channels_first(x: Array, xp: Namespace) -> Array:
    """[N, H, W, C] -> [N, C, H, W]; arrays of another rank as they are."""
    return xp.transpose(x, (0, 3, 1, 2)) if x.ndim == 4 else x
