"""Predictions of a nearest-neighbour classifier."""

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
    """A classifier's predictions.

    Attributes:
        labels: One label per feature: the class with most votes.
        probabilities: [N, classes], each class's share of the votes.
        classes: The classes of the columns, in the order of `NeighborsModel.classes`.
        columns: [N], the column of each label. Another class may have as many votes.
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
    """The labels of features, by vote of the `k` samples nearest to each feature.

    With uniform weighting each neighbour has one vote, with inverse distance 1 / distance votes. Pippin defines what
    Apple leaves open:

    - Of samples at the same distance, those with a lower index are nearer.
    - The weighting uses the only distance that the format defines, the squared Euclidean distance of the search
      (NearestNeighbors.proto, `DistanceFunction` and `InverseDistanceWeighting`). `distance` can select its root.
    - If samples are at distance 0, where 1 / distance is undefined, only these samples vote, with one vote each.
    - Of labels with equal votes, the label of the nearest neighbour wins.
    - In a model with fewer than `k` samples, all samples vote.
    - An empty model predicts its default label with probability 1.

    The model's index does not affect the result: see `pippin.models.neighbors.search`.

    Args:
        model: The classifier.
        features: [N, dimensions]; rounded to 32-bit floats, like samples.
        k: The number of neighbours that vote, within the model's limits; by default the model's default.
        distance: The distance for inverse-distance weighting.

    Raises:
        NeighborsError: The features do not fit the model, the model does not allow `k`, or the model has neither
            samples nor a default label.
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
    """[Q, k], the number of votes of each neighbour."""
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
    # The first maximum along a row belongs to the nearest neighbour.
    winners: NDArray[np.int64] = columns[rows[:, 0], votes.argmax(axis=1)]
    shares /= shares.sum(axis=1, keepdims=True)
    return winners


def _default(model: NeighborsModel, count: int) -> Prediction:
    """The prediction of an empty model."""
    label = model.default_label
    if label is None:
        raise _refused(
            Fault("/neighbors/default_label", "found neither samples nor a default label; needs either to predict")
        )
    labels: Labels = (label,) * count  # type: ignore[assignment]  # all of one kind
    classes: Labels = (label,)  # type: ignore[assignment]
    return Prediction(labels, np.ones((count, 1)), classes, np.zeros(count, dtype=np.int64))


def _refused(fault: Fault) -> NeighborsError:
    return NeighborsError("the classifier cannot predict", [fault])
