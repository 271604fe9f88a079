"""What a message says of a classifier, before anybody knows whether it is right."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pippin.models.neighbors.model import LabelType
from pippin.models.spec.layer import Message


class Draft:
    """A `Model`, and what several rules would otherwise work out again.

    Attributes:
        message: The `Model`.
        description: Its `ModelDescription`.
        classifier: Its `KNearestNeighborsClassifier`; an empty one where the model is of another kind.
        index: The classifier's `NearestNeighborsIndex`.
    """

    def __init__(self, message: Message) -> None:
        self.message = message
        self.description: Message = message.description
        self.classifier: Message = message.kNearestNeighborsClassifier
        self.index: Message = self.classifier.nearestNeighborsIndex

    @cached_property
    def label_type(self) -> LabelType | None:
        """How the labels are kept: as `ClassLabels` says, else as `DefaultClassLabel` does; None if neither is set."""
        field = self.classifier.WhichOneof("ClassLabels") or self.classifier.WhichOneof("DefaultClassLabel")
        if field is None:
            return None
        return "string" if field in ("stringClassLabels", "defaultStringLabel") else "int64"

    @property
    def default_label(self) -> str | int | None:
        """What an empty model answers."""
        field = self.classifier.WhichOneof("DefaultClassLabel")
        label: str | int | None = None if field is None else getattr(self.classifier, field)
        return label

    @cached_property
    def labels(self) -> Sequence[str] | Sequence[int]:
        """One a sample."""
        field = self.classifier.WhichOneof("ClassLabels")
        labels: Sequence[str] | Sequence[int] = () if field is None else getattr(self.classifier, field).vector
        return labels

    @cached_property
    def lengths(self) -> tuple[int, ...]:
        """How many numbers each sample has."""
        return tuple(len(sample.vector) for sample in self.index.floatSamples)

    @cached_property
    def samples(self) -> NDArray[np.float32] | None:
        """[n, dimensions]; None where not every sample has that many numbers."""
        dimensions = self.index.numberOfDimensions
        if dimensions < 1 or any(length != dimensions for length in self.lengths):
            return None
        samples = np.empty((len(self.lengths), dimensions), dtype=np.float32)
        for row, sample in zip(samples, self.index.floatSamples, strict=True):
            row[:] = sample.vector
        samples.setflags(write=False)
        return samples
