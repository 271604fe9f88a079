"""Addition."""

from functools import reduce
from operator import add as plus

from pippin.models.spec.layers.add import Add
from pippin.network.arrays import Array
from pippin.network.step import Step


def add(step: Step[Add], *blobs: Array) -> Array:
    """Add: y = x1 + x2 + ..., or y = x + alpha of one blob (`AddLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others.
    """
    return reduce(plus, blobs) if len(blobs) > 1 else blobs[0] + step.layer.alpha
