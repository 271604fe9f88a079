"""Rules about how neighbours make an answer."""

from collections.abc import Iterator

from pydantic import ValidationError

from pippin.errors import Fault
from pippin.models.neighbors.draft import Draft
from pippin.models.spec.explain import explain
from pippin.models.spec.parameters import IntegerParameter, parameter_document


def number_of_neighbors_is_positive_and_inside_its_limits(draft: Draft) -> Iterator[Fault]:
    """The default is 1 or more, in the range or the set; so are these themselves. Source: ParameterValidator.cpp.

    Apple's validator reads a set only up to the default; all of it must be right here.
    """
    document = parameter_document(draft.classifier.numberOfNeighbors)
    try:
        IntegerParameter.model_validate(document)
    except ValidationError as error:
        for fault in explain(error, IntegerParameter, document):
            where = f"{fault.pointer.lstrip('/')}: " if fault.pointer else ""
            yield Fault("/neighbors/number_of_neighbors", where + fault.detail)


def a_weighting_is_chosen(draft: Draft) -> Iterator[Fault]:
    """It is said how neighbours vote. Source: KNearestNeighborsClassifierValidator.cpp."""
    if draft.classifier.WhichOneof("WeightingScheme") is None:
        yield Fault("/neighbors/weighting", "found no weighting; needs uniformWeighting or inverseDistanceWeighting")


def default_label_is_there_if_needed_and_of_the_labels_type(draft: Draft) -> Iterator[Fault]:
    """A model without labels has a default one, and no model has one of another type than its labels are.

    Source: KNearestNeighborsClassifierValidator.cpp.
    """
    default = draft.default_label
    if default is None:
        if not draft.labels:
            yield Fault("/neighbors/default_label", "found neither labels nor a default label; needs either")
    elif (isinstance(default, str) and draft.label_type != "string") or (
        isinstance(default, int) and draft.label_type != "int64"
    ):
        yield Fault(
            "/neighbors/default_label",
            f"found a default label of another type than the labels are; needs one of type {draft.label_type}",
        )
