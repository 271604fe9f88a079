"""The parts of an unvalidated classifier message."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pippin.models.neighbors.model import LabelType
from pippin.models.spec.layer import Message


class Draft:
    """A `Model` message with cached values that several rules need.

    Attributes:
        message: The `Model`.
        description: The model's `ModelDescription`.
        classifier: The model's `KNearestNeighborsClassifier`; empty if the model is of another kind.
        index: The classifier's `NearestNeighborsIndex`.
    """

    def __init__(self, message: Message) -> None:
        self.message = message
        self.description: Message = message.description
        self.classifier: Message = message.kNearestNeighborsClassifier
        self.index: Message = self.classifier.nearestNeighborsIndex

    @cached_property
    def label_type(self) -> LabelType | None:
        """The type of the labels, from `ClassLabels`, else from `DefaultClassLabel`; None if neither is set."""
        field = self.classifier.WhichOneof("ClassLabels") or self.classifier.WhichOneof("DefaultClassLabel")
        if field is None:
            return None
        return "string" if field in ("stringClassLabels", "defaultStringLabel") else "int64"

    @property
    def default_label(self) -> str | int | None:
        """The prediction of an empty model; None if it is not set."""
        field = self.classifier.WhichOneof("DefaultClassLabel")
        label: str | int | None = None if field is None else getattr(self.classifier, field)
        return label

    @cached_property
    def labels(self) -> Sequence[str] | Sequence[int]:
        """One label per sample."""
        field = self.classifier.WhichOneof("ClassLabels")
        labels: Sequence[str] | Sequence[int] = () if field is None else getattr(self.classifier, field).vector
        return labels

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """The length of each sample."""
        return tuple(len(sample.vector) for sample in self.index.floatSamples)

    @cached_property
    def samples(self) -> NDArray[np.float32] | None:
        """[n, dimensions]; None if a sample has another length."""
        dimensions = self.index.numberOfDimensions
        if dimensions < 1 or any(length != dimensions for length in self.lengths):
            return None
        samples = np.empty((len(self.lengths), dimensions), dtype=np.float32)
        for row, sample in zip(samples, self.index.floatSamples, strict=True):
            row[:] = sample.vector
        samples.setflags(write=False)
        return samples
