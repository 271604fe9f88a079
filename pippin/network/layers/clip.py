"""Clipping."""

from pippin.models.spec.layers.clip import Clip
from pippin.network.arrays import Array
from pippin.network.step import Step


def clip(step: Step[Clip], x: Array) -> Array:
    """Clip: y = min(max(x, min_val), max_val) for each number, any shape (`ClipLayerParams`, version 4).

    The gradient at the ends is 0, and what is not a number stays so.
    """
    low, high, xp = step.layer.min_val, step.layer.max_val, step.xp
    return xp.where(x <= low, low, xp.where(x >= high, high, x))
