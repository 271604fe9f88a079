"""Reads a classifier from a model message and writes samples into the message."""

from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from pippin.errors import Fault
from pippin.models.neighbors.draft import Draft
from pippin.models.neighbors.examples import as_labels, as_samples
from pippin.models.neighbors.feature_rules import ARRAY_TYPES
from pippin.models.neighbors.model import SHOWN, Labels, NeighborsError, NeighborsModel
from pippin.models.neighbors.rules import RULES_BY_ID, Rule
from pippin.models.spec.layer import Message
from pippin.models.spec.parameters import IntegerParameter, parameter_document


def read_neighbors(model_message: Message) -> NeighborsModel:
    """Read an updatable nearest-neighbour classifier, in time and memory linear in its size.

    Args:
        model_message: A `Model`, alone or inside a pipeline.

    Raises:
        NeighborsError: The model is of another kind or breaks rules; the error carries every fault.
    """
    draft = Draft(model_message)
    refuse_other_kinds(draft)
    faults = [fault for name, rule in RULES_BY_ID.items() for fault in _broken(name, rule, draft)]
    if faults:
        raise NeighborsError("the file holds no nearest-neighbour classifier that can be trained", faults)
    return _model(draft)


def refuse_other_kinds(draft: Draft) -> None:
    """Refuse a model that is not a nearest-neighbour classifier.

    Raises:
        NeighborsError: The model is of another kind.
    """
    name = "neighbors.kind"
    if faults := list(_broken(name, RULES_BY_ID[name], draft)):
        raise NeighborsError("the file holds no nearest-neighbour classifier", faults)


def _broken(name: str, rule: Rule, draft: Draft) -> Iterator[Fault]:
    """The first `SHOWN` faults of a rule, and a fault with the number of further faults."""
    faults = rule(draft)
    for fault in islice(faults, SHOWN):
        yield fault.of(name)
    if more := sum(1 for _ in faults):
        yield Fault("", f"and {more} more faults like these").of(name)


def _model(draft: Draft) -> NeighborsModel:
    """The classifier of a valid message."""
    description, classifier, index = draft.description, draft.classifier, draft.index
    assert draft.samples is not None
    assert draft.label_type is not None
    (feature,) = description.input
    is_tree = index.WhichOneof("IndexType") == "singleKdTreeIndex"
    labels: Labels = tuple(draft.labels)  # type: ignore[assignment]  # all of one kind
    return NeighborsModel(
        input=feature.name,
        dimensions=index.numberOfDimensions,
        number_of_neighbors=IntegerParameter.model_validate(parameter_document(classifier.numberOfNeighbors)),
        weighting="uniform" if classifier.WhichOneof("WeightingScheme") == "uniformWeighting" else "inverse_distance",
        index="kd_tree" if is_tree else "linear",
        leaf_size=index.singleKdTreeIndex.leafSize if is_tree else None,
        samples=draft.samples,
        labels=labels,
        label_type=draft.label_type,
        default_label=draft.default_label,
        predicted_feature=description.predictedFeatureName,
        probabilities=description.predictedProbabilitiesName or None,
        metadata=dict(description.metadata.userDefined),
        input_type=ARRAY_TYPES[feature.type.multiArrayType.dataType],
    )


def write_samples(model_message: Message, samples: NDArray[np.float32], labels: Sequence[str | int]) -> None:
    """Replace the samples and labels in `model_message`; the rest of the message is unchanged.

    Args:
        model_message: A `Model` that `read_neighbors` accepts.
        samples: [n, dimensions].
        labels: One label per sample, of the file's label type.

    Raises:
        NeighborsError: The samples or labels do not fit the model; the message is then unchanged.
    """
    draft = Draft(model_message)
    refuse_other_kinds(draft)
    assert draft.label_type is not None, "a message that was read says what its labels are"
    rows = as_samples(samples, draft.index.numberOfDimensions)
    names = as_labels(labels, draft.label_type, len(rows))
    del draft.index.floatSamples[:]
    for row in rows:
        # A list is five times as fast as the array, whose numbers protobuf reads one by one.
        draft.index.floatSamples.add().vector.extend(row.tolist())
    field = f"{draft.label_type}ClassLabels"
    if names or draft.classifier.HasField(field):
        getattr(draft.classifier, field).vector[:] = names
