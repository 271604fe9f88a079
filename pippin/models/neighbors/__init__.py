"""Updatable k-nearest-neighbour classifiers: read one from a file, teach it examples, ask it, write it back."""

from pippin.models.neighbors.errors import NeighborsError
from pippin.models.neighbors.model import NeighborsModel
from pippin.models.neighbors.predict import Prediction, predict
from pippin.models.neighbors.read import read_neighbors
from pippin.models.neighbors.summary import NeighborsSummary, summary
from pippin.models.neighbors.training import append
from pippin.models.neighbors.write import write_samples

__all__ = [
    "NeighborsError",
    "NeighborsModel",
    "NeighborsSummary",
    "Prediction",
    "append",
    "predict",
    "read_neighbors",
    "summary",
    "write_samples",
]
