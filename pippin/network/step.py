"""One layer about to be computed: its fields, its weights, and what to compute with."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, TypeVar

from pippin.models.spec import Layer
from pippin.network.arrays import Array, Convolve, LayerWeights, Namespace, to_channels_first, to_channels_last

LayerT = TypeVar("LayerT", bound=Layer)


@dataclass(frozen=True)
class Step(Generic[LayerT]):
    """What a layer's function is given besides its input arrays.

    Attributes:
        layer: The layer with every field filled in.
        weights: Its arrays by name, such as "weights" and "bias", in the order of the file.
        xp: numpy or jax.numpy.
        convolve: The caller's own convolution, or None for slices and a matrix product.
        examples: How many examples there are, for a layer that reads no blob.
    """

    layer: LayerT
    weights: LayerWeights
    xp: Namespace
    convolve: Convolve | None = None
    examples: int = 1


Operation = Callable[..., Any]
"""Takes a step, then one array a blob that the layer reads; gives the blob that it makes, or a tuple of several."""


def over_images(compute: Operation) -> Operation:
    """`compute`, written for images [N, H, W, C], for blobs with any axes in front: each is taken for examples."""

    @wraps(compute)
    def folded(*arguments: Any) -> Array:  # noqa: ANN401 - steps, then arrays
        steps = [argument for argument in arguments if isinstance(argument, Step)]
        blobs = arguments[len(steps) :]
        front = blobs[0].shape[:-3]
        result = compute(*steps, *(blob.reshape(-1, *blob.shape[-3:]) for blob in blobs))
        return result.reshape(*front, *result.shape[1:])

    return folded


def in_file_order(compute: Operation) -> Operation:
    """`compute`, written for blobs as the file has them, [N, ..., C, H, W]."""

    @wraps(compute)
    def turned(step: Step[Any], *blobs: Array) -> Array | tuple[Array, ...]:
        result = compute(step, *(to_channels_first(blob, step.xp) for blob in blobs))
        if isinstance(result, tuple):
            return tuple(to_channels_last(blob, step.xp) for blob in result)
        return to_channels_last(result, step.xp)

    return turned
