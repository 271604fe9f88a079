"""The smallest of several blobs."""

from pippin.models.spec.layers.min import Min
from pippin.network.arrays import Array
from pippin.network.layers.pooling import first_maximum
from pippin.network.step import Step


def min(step: Step[Min], *blobs: Array) -> Array:  # noqa: A001 - the type's own name
    """Select the smallest: y = min_i x_i for each number (`MinLayerParams`, version 1).

    Any shapes of one rank; an axis of length 1 is repeated to that of the others. The gradient goes to the first of
    equals.
    """
    return -first_maximum([-blob for blob in blobs], step.xp)
