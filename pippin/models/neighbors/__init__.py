"""Updatable k-nearest-neighbour classifiers: read from a file, add examples, predict, write back."""

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
