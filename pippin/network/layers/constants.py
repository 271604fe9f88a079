"""Bias, scale and constant: layers that apply or output a stored array."""

from pippin.models.spec.layers.constants import Bias, LoadConstant, Scale
from pippin.network.arrays import Array, Namespace, to_channels_last
from pippin.network.step import Step


def bias(step: Step[Bias], x: Array) -> Array:
    """Add: y = x + bias (`BiasLayerParams`, version 1).

    [N, ..., H, W, C] -> the same; the bias is [1], [C], [1, H, W] or [C, H, W].
    """
    return x + broadcastable(step.weights["bias"], step.xp)


def broadcastable(array: Array, xp: Namespace) -> Array:
    """An array of a layer, [1], [C], [1, H, W] or [C, H, W], that broadcasts to blobs [N, ..., H, W, C]."""
    return to_channels_last(array[None], xp)


def scale(step: Step[Scale], x: Array) -> Array:
    """Multiply: y = scale * x + bias (`ScaleLayerParams`, version 1).

    [N, ..., H, W, C] -> the same; scale and the optional bias are [1], [C], [1, H, W] or [C, H, W] each.
    """
    y = broadcastable(step.weights["scale"], step.xp) * x
    return y + broadcastable(step.weights["bias"], step.xp) if step.layer.has_bias else y


def load_constant(step: Step[LoadConstant]) -> Array:
    """Repeat the data for every example: -> [N, 1, 1, H, W, C] (`LoadConstantLayerParams`, version 1).

    The data are [C, H, W].
    """
    xp = step.xp
    blob = to_channels_last(step.weights["data"][None, None, None], xp)
    return xp.broadcast_to(blob, (step.examples, *blob.shape[1:]))
