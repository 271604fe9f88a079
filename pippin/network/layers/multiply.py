"""Multiplication."""

from functools import reduce
from operator import mul

from pippin.models.spec.layers.multiply import Multiply
from pippin.network.arrays import Array
from pippin.network.step import Step


def multiply(step: Step[Multiply], *blobs: Array) -> Array:
    """Multiply: y = x1 * x2 * ..., or y = alpha * x of one blob (`MultiplyLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others.
    """
    return reduce(mul, blobs) if len(blobs) > 1 else step.layer.alpha * blobs[0]
