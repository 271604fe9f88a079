"""The scale as a layer of its own."""

from pippin.models.spec.layers.scale import Scale
from pippin.network.arrays import Array
from pippin.network.layers.bias import repeatable
from pippin.network.step import Step


def scale(step: Step[Scale], x: Array) -> Array:
    """Multiply: y = scale * x + bias (`ScaleLayerParams`, version 1).

    [N, ..., H, W, C] -> the same; scale and bias, which may be missing, are [1], [C], [1, H, W] or [C, H, W] each.
    """
    y = repeatable(step.weights["scale"], step.xp) * x
    return y + repeatable(step.weights["bias"], step.xp) if step.layer.has_bias else y
