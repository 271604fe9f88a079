"""Updatable k-nearest-neighbour classifiers: read one from a file, teach it examples, ask it, write it back."""

from pippin.models.neighbors.examples import append
from pippin.models.neighbors.file import read_neighbors, write_samples
from pippin.models.neighbors.model import NeighborsError, NeighborsModel
from pippin.models.neighbors.predict import Prediction, predict
from pippin.models.neighbors.summary import NeighborsSummary, summary

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
