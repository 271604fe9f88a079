"""From a file's message to a classifier."""

from collections.abc import Iterator
from itertools import islice

from pippin.errors import Fault
from pippin.models.neighbors.draft import Draft
from pippin.models.neighbors.errors import SHOWN, NeighborsError
from pippin.models.neighbors.model import Labels, NeighborsModel
from pippin.models.neighbors.rules import RULES_BY_ID, Rule
from pippin.models.neighbors.rules.features import ARRAY_TYPES
from pippin.models.spec.layer import Message
from pippin.models.spec.parameters import IntegerParameter, parameter_document


def read_neighbors(model_message: Message) -> NeighborsModel:
    """Read an updatable nearest-neighbour classifier, in time and memory that grow with its size only.

    Args:
        model_message: A `Model`, alone or inside a pipeline.

    Raises:
        NeighborsError: It is none, or breaks a rule; says every rule that it breaks.
    """
    draft = Draft(model_message)
    refuse_other_kinds(draft)
    faults = [fault for name, rule in RULES_BY_ID.items() for fault in _broken(name, rule, draft)]
    if faults:
        raise NeighborsError("the file holds no nearest-neighbour classifier that can be trained", faults)
    return _model(draft)


def refuse_other_kinds(draft: Draft) -> None:
    """Nothing, for a classifier of this kind.

    Raises:
        NeighborsError: The model is of another kind.
    """
    name = "neighbors.kind"
    if faults := list(_broken(name, RULES_BY_ID[name], draft)):
        raise NeighborsError("the file holds no nearest-neighbour classifier", faults)


def _broken(name: str, rule: Rule, draft: Draft) -> Iterator[Fault]:
    """The faults that a rule finds; of very many, the first."""
    faults = rule(draft)
    for fault in islice(faults, SHOWN):
        yield fault.of(name)
    if more := sum(1 for _ in faults):
        yield Fault("", f"and {more} more faults like these").of(name)


def _model(draft: Draft) -> NeighborsModel:
    """The classifier of a message that keeps every rule."""
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
