"""The one error of this part of the house."""

from pippin.errors import FaultyDocumentError

SHOWN = 20
"""So many faults of one kind are listed one by one; the rest are counted."""


class NeighborsError(FaultyDocumentError):
    """A nearest-neighbour classifier that was refused, or examples that do not fit one.

    A file's faults point into the JSON that `pippin.models.neighbors.summary` describes such a model with; its
    features are counted in the file's order. Those of a call point at its arguments: `/features`, `/labels/3`, `/k`.
    """
