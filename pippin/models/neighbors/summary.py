"""The summary of a classifier, as in the REST API."""

from collections import Counter
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from pippin.models.neighbors.model import Index, LabelType, NeighborsModel, Weighting
from pippin.models.spec.summary import FeatureSummary, ParameterSummary, parameter_summary


class _Summary(BaseModel):
    model_config = ConfigDict(frozen=True)


class ClassSummary(_Summary):
    """A label that was taught."""

    label: str | int
    count: int = Field(description="Number of samples with this label.")


class NeighborsDescription(_Summary):
    """How neighbours are found and how they vote."""

    dimensions: int = Field(description="Number of values of a sample.")
    number_of_neighbors: ParameterSummary = Field(description="Default and limits of the number of neighbors.")
    weighting: Weighting
    index: Index = Field(description="The index for the search; both kinds give the same results.")
    leaf_size: int | None = Field(description="Samples in a leaf of the kd-tree; null with a linear index.")
    distance: Literal["squared_euclidean"]
    samples: int = Field(description="Number of samples.")
    label_type: LabelType
    classes: list[ClassSummary] = Field(description="In the order in which they were first added.")
    default_label: str | int | None = Field(description="Prediction of a model without samples.")


class NeighborsSummary(_Summary):
    """A nearest-neighbour classifier as its file describes it."""

    kind: Literal["nearest_neighbors"]
    inputs: list[FeatureSummary]
    outputs: list[FeatureSummary]
    training_inputs: list[FeatureSummary] = Field(description="Features of a training example.")
    neighbors: NeighborsDescription


def summary(model: NeighborsModel) -> NeighborsSummary:
    """The summary of a valid classifier."""
    vector = FeatureSummary(name=model.input, shape=[model.dimensions], type=model.input_type)
    label = FeatureSummary(name=model.predicted_feature, shape=None, type=model.label_type)
    shares = (
        [FeatureSummary(name=model.probabilities, shape=None, type="dictionary")]
        if model.probabilities is not None
        else []
    )
    return NeighborsSummary(
        kind="nearest_neighbors",
        inputs=[vector],
        outputs=[label, *shares],
        training_inputs=[vector, label],
        neighbors=NeighborsDescription(
            dimensions=model.dimensions,
            number_of_neighbors=parameter_summary(model.number_of_neighbors),
            weighting=model.weighting,
            index=model.index,
            leaf_size=model.leaf_size,
            distance="squared_euclidean",
            samples=len(model.labels),
            label_type=model.label_type,
            classes=[ClassSummary(label=label, count=count) for label, count in Counter(model.labels).items()],
            default_label=model.default_label,
        ),
    )
