"""The arguments of one layer's computation: fields, weights and array namespace."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Generic, TypeVar

from pippin.models.spec import Layer
from pippin.network.arrays import Array, Convolve, LayerWeights, Namespace, to_channels_first, to_channels_last

LayerT = TypeVar("LayerT", bound=Layer)


@dataclass(frozen=True)
class Step(Generic[LayerT]):
    """The arguments of a layer's function besides its input arrays.

    Attributes:
        layer: The layer with every field filled in.
        weights: The layer's arrays by name, such as "weights" and "bias", in the order of the file.
        xp: numpy or jax.numpy.
        convolve: The caller's convolution, or None for slices and a matrix product.
        examples: The number of examples, for a layer that reads no blob.
    """

    layer: LayerT
    weights: LayerWeights
    xp: Namespace
    convolve: Convolve | None = None
    examples: int = 1


Operation = Callable[..., Any]
"""Takes a step, then one array per input blob of the layer; returns the output blob, or a tuple of several."""


def over_images(compute: Operation) -> Operation:
    """Extend `compute`, written for images [N, H, W, C], to blobs with more leading axes, folded into N."""

    @wraps(compute)
    def folded(*arguments: Any) -> Array:  # noqa: ANN401 - steps, then arrays
        steps = [argument for argument in arguments if isinstance(argument, Step)]
        blobs = arguments[len(steps) :]
        front = blobs[0].shape[:-3]
        result = compute(*steps, *(blob.reshape(-1, *blob.shape[-3:]) for blob in blobs))
        return result.reshape(*front, *result.shape[1:])

    return folded


def in_file_order(compute: Operation) -> Operation:
    """Adapt `compute`, written for blobs in the file's layout [N, ..., C, H, W], to the layout between layers."""

    @wraps(compute)
    def turned(step: Step[Any], *blobs: Array) -> Array | tuple[Array, ...]:
        result = compute(step, *(to_channels_first(blob, step.xp) for blob in blobs))
        if isinstance(result, tuple):
            return tuple(to_channels_last(blob, step.xp) for blob in result)
        return to_channels_last(result, step.xp)

    return turned
