"""Updatable k-nearest-neighbour classifiers: read one from a file, teach it examples, ask it, write it back."""

from pippin.neighbors.errors import NeighborsError
from pippin.neighbors.model import NeighborsModel
from pippin.neighbors.predict import Prediction, predict
from pippin.neighbors.read import read_neighbors
from pippin.neighbors.summary import NeighborsSummary, summary
from pippin.neighbors.training import append
from pippin.neighbors.write import write_samples

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
