"""The Python representation of a nearest-neighbour classifier."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from pippin.errors import FaultyDocumentError
from pippin.models.spec.parameters import IntegerParameter

SHOWN = 20
"""The number of faults of one kind that are listed individually; further faults are counted."""


class NeighborsError(FaultyDocumentError):
    """A nearest-neighbour classifier is refused, or examples do not fit the classifier.

    Pointers of a file's faults refer to the JSON of `pippin.models.neighbors.summary`, with features in the file's
    order. Pointers of a call's faults refer to its arguments: `/features`, `/labels/3`, `/k`.
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
        dimensions: Length of the input vector: `nearestNeighborsIndex.numberOfDimensions`.
        number_of_neighbors: Number of neighbours that vote: `numberOfNeighbors`.
        weighting: Weighting of the votes: `WeightingScheme`.
        index: Index type: `nearestNeighborsIndex.IndexType`. A hint for speed: both searches are exact.
        leaf_size: Samples per leaf: `singleKdTreeIndex.leafSize`; None with a linear index.
        samples: [n, dimensions], the learned samples: `nearestNeighborsIndex.floatSamples`. May be empty.
        labels: One label per sample: `stringClassLabels` or `int64ClassLabels`.
        label_type: Type of the labels: from `ClassLabels`, or if that is not set, from `DefaultClassLabel`.
        default_label: Prediction of an empty model: `DefaultClassLabel`. Optional for a model with samples.
        predicted_feature: Name of the output with the likeliest label: `description.predictedFeatureName`.
        probabilities: Name of the output with each label's probability: `predictedProbabilitiesName`; None if the
            model has no such output.
        metadata: `description.metadata.userDefined`.
        input_type: Data type of the input: `multiArrayType.dataType`.
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
        """The unique labels of the samples, in the order of their first sample."""
        return _distinct(self.labels)


def _distinct(labels: Labels) -> Labels:
    return tuple(dict.fromkeys(labels))  # type: ignore[return-value]  # all of one kind, as they were
