"""Asking a classifier."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault
from pippin.models.neighbors.examples import as_samples
from pippin.models.neighbors.model import Labels, NeighborsError, NeighborsModel
from pippin.models.neighbors.search import Floats, Nearest, nearest

Distance = Literal["squared_euclidean", "euclidean"]


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a classifier answers.

    Attributes:
        labels: One a feature: the class with most votes.
        probabilities: [N, classes] each class's share of the votes.
        classes: What the columns stand for: the model's classes, in the order in which they were first taught.
        columns: [N] the column of each label. Another may have as many votes.
    """

    labels: Labels
    probabilities: NDArray[np.float64]
    classes: Labels
    columns: NDArray[np.int64]


def predict(
    model: NeighborsModel,
    features: NDArray[np.number],
    k: int | None = None,
    *,
    distance: Distance = "squared_euclidean",
) -> Prediction:
    """The labels of some features, by vote of the `k` samples that are nearest to each.

    With uniform weighting each neighbour has one vote, with inverse distance 1 / distance votes. What Apple leaves open
    is decided so:

    - Of samples at the same distance those with a lower index are nearer.
    - Which distance weighs: the format defines one alone, the squared Euclidean distance that finds the neighbours
      (NearestNeighbors.proto, `DistanceFunction` and `InverseDistanceWeighting`). `distance` chooses its root instead.
    - At distance 0, where 1 / distance is no number, those samples alone vote, with one vote each.
    - Of labels with as many votes, the one wins that has the nearest of the neighbours.
    - A model of fewer than `k` samples lets all of them vote.
    - An empty model answers its default label, with probability 1.

    The model's index has no say: see `pippin.models.neighbors.search`.

    Args:
        model: The classifier.
        features: [N, dimensions]; rounded to 32-bit floats, as samples are.
        k: How many neighbours vote, of those that the model admits; left out, its default.
        distance: What weighs a vote with inverse-distance weighting.

    Raises:
        NeighborsError: The features do not fit the model, or it does not admit `k`, or it can answer nothing.
    """
    points = as_samples(features, model.dimensions)
    k = model.number_of_neighbors.default if k is None else k
    if not model.number_of_neighbors.admits(k):
        raise _refused(Fault("/k", f"found {k}; needs {model.number_of_neighbors.limits}"))
    if not model.labels:
        return _default(model, len(points))
    classes = model.classes
    column_of = {label: column for column, label in enumerate(classes)}
    columns = np.fromiter((column_of[label] for label in model.labels), dtype=np.int64, count=len(model.labels))
    probabilities = np.zeros((len(points), len(classes)))
    winners = np.empty(len(points), dtype=np.int64)
    for neighbors in nearest(model.samples, points, min(k, len(columns))):
        here = slice(neighbors.start, neighbors.start + len(neighbors.places))
        winners[here] = _vote(_weights(neighbors, model, distance), columns[neighbors.places], probabilities[here])
    labels: Labels = tuple(classes[column] for column in winners.tolist())  # type: ignore[assignment]  # all of one kind
    return Prediction(labels, probabilities, classes, winners)


def _weights(neighbors: Nearest, model: NeighborsModel, distance: Distance) -> Floats:
    """[Q, k] how many votes each neighbour has."""
    if model.weighting == "uniform":
        return np.ones_like(neighbors.distances)
    distances = neighbors.distances if distance == "squared_euclidean" else np.sqrt(neighbors.distances)
    same = distances == 0
    with np.errstate(divide="ignore"):
        return np.where(same.any(axis=1, keepdims=True), same, 1 / distances)


def _vote(weights: Floats, columns: NDArray[np.int64], shares: Floats) -> NDArray[np.int64]:
    """Write the classes' shares [Q, classes] into `shares`, which holds zeros, and return the winners' columns [Q]."""
    rows = np.arange(len(weights))[:, None]
    np.add.at(shares, (rows, columns), weights)
    votes = shares[rows, columns]
    # The first maximum along a row is that of the nearest neighbour.
    winners: NDArray[np.int64] = columns[rows[:, 0], votes.argmax(axis=1)]
    shares /= shares.sum(axis=1, keepdims=True)
    return winners


def _default(model: NeighborsModel, count: int) -> Prediction:
    """What an empty model answers."""
    label = model.default_label
    if label is None:
        raise _refused(
            Fault("/neighbors/default_label", "found neither samples nor a default label; needs either to answer")
        )
    labels: Labels = (label,) * count  # type: ignore[assignment]  # all of one kind
    classes: Labels = (label,)  # type: ignore[assignment]
    return Prediction(labels, np.ones((count, 1)), classes, np.zeros(count, dtype=np.int64))


def _refused(fault: Fault) -> NeighborsError:
    return NeighborsError("the classifier cannot answer", [fault])
