"""The largest of several blobs."""

from pippin.models.spec.layers.max import Max
from pippin.network.arrays import Array
from pippin.network.layers.pooling import first_maximum
from pippin.network.step import Step


def max(step: Step[Max], *blobs: Array) -> Array:  # noqa: A001 - the type's own name
    """Select the largest: y = max_i x_i for each number (`MaxLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others. The gradient goes to the first of
    equals.
    """
    return first_maximum(blobs, step.xp)
