"""A nearest-neighbour classifier as Python holds it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pippin.errors import FaultyDocumentError
from pippin.models.spec.parameters import IntegerParameter

SHOWN = 20
"""So many faults of one kind are listed one by one; the rest are counted."""


class NeighborsError(FaultyDocumentError):
    """A nearest-neighbour classifier that was refused, or examples that do not fit one.

    A file's faults point into the JSON that `pippin.models.neighbors.summary` describes such a model with; its
    features are counted in the file's order. Those of a call point at its arguments: `/features`, `/labels/3`, `/k`.
    """


ArrayType = Literal["float", "double", "int", "float16", "int8"]
Index = Literal["linear", "kd_tree"]
LabelType = Literal["string", "int64"]
Labels: TypeAlias = tuple[str, ...] | tuple[int, ...]
Weighting = Literal["uniform", "inverse_distance"]


@dataclass(frozen=True, eq=False)
class NeighborsModel:
    """An updatable classifier: `KNearestNeighborsClassifier` and the `ModelDescription` around it.

    Attributes:
        input: Name of the only input, a vector: `description.input`.
        dimensions: How many numbers it has: `nearestNeighborsIndex.numberOfDimensions`.
        number_of_neighbors: How many neighbours vote: `numberOfNeighbors`.
        weighting: How they vote: `WeightingScheme`.
        index: How they are looked up: `nearestNeighborsIndex.IndexType`. A hint for speed: both searches are exact.
        leaf_size: Samples in a leaf: `singleKdTreeIndex.leafSize`; None with a linear index.
        samples: [n, dimensions], what was taught: `nearestNeighborsIndex.floatSamples`. May be none at all.
        labels: One a sample: `stringClassLabels` or `int64ClassLabels`.
        label_type: Which of the two: `ClassLabels`, or where that is not set, `DefaultClassLabel`.
        default_label: What an empty model answers: `DefaultClassLabel`. A model with samples may lack it.
        predicted_feature: Name of the output that is the likeliest label: `description.predictedFeatureName`.
        probabilities: Name of the output that has each label's share: `predictedProbabilitiesName`; None where it is
            not wanted.
        metadata: `description.metadata.userDefined`.
        input_type: What kind of numbers the input has: `multiArrayType.dataType`.
    """

    input: str
    dimensions: int
    number_of_neighbors: IntegerParameter
    weighting: Weighting
    index: Index
    leaf_size: int | None
    samples: NDArray[np.float32]
    labels: Labels
    label_type: LabelType
    default_label: str | int | None
    predicted_feature: str
    probabilities: str | None
    metadata: Mapping[str, str]
    input_type: ArrayType = "float"

    @property
    def classes(self) -> Labels:
        """The labels of the samples, each once, in the order in which they were first taught."""
        return _distinct(self.labels)


def _distinct(labels: Labels) -> Labels:
    return tuple(dict.fromkeys(labels))  # type: ignore[return-value]  # all of one kind, as they were
