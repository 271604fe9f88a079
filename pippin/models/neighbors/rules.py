"""Core ML's requirements of an updatable nearest-neighbour classifier, one function per rule.

The rules about inputs and outputs are in `pippin.models.neighbors.feature_rules`. Every rule receives the whole message
and reports nothing about parts that a fault elsewhere hides. Apple's validator accepts every model that these rules
accept; its files, which each rule names, are in the coremltools repository, under `mlmodel/src/Validation`. A rule that
is stricter than the validator states the reason.
"""

from collections.abc import Callable, Iterator
from typing import Final

import numpy as np
from pydantic import ValidationError

from pippin.errors import Fault
from pippin.models.neighbors import feature_rules
from pippin.models.neighbors.draft import Draft
from pippin.models.spec.explain import explain
from pippin.models.spec.features import MAX_CLASSES
from pippin.models.spec.parameters import IntegerParameter, parameter_document

_OLDEST, _NEWEST = 4, 10


def model_is_a_nearest_neighbor_classifier(draft: Draft) -> Iterator[Fault]:
    """The model is of this kind. Source: Model.proto, `Model.Type`."""
    kind = draft.message.WhichOneof("Type")
    if kind != "kNearestNeighborsClassifier":
        yield Fault("/kind", f"found a model of kind {kind or 'none'}; needs kNearestNeighborsClassifier")


def version_supports_updatable_classifiers(draft: Draft) -> Iterator[Fault]:
    """The specification version is known and supports updatable models. Source: Model.cpp, `validateGeneric`."""
    version = draft.message.specificationVersion
    if not _OLDEST <= version <= _NEWEST:
        yield Fault("", f"found specification version {version}; needs one from {_OLDEST} to {_NEWEST}")


def model_is_updatable(draft: Draft) -> Iterator[Fault]:
    """The model is marked updatable. Source: Model.proto, `Model.isUpdatable`; Apple's validator accepts both."""
    if not draft.message.isUpdatable:
        yield Fault("", "found a model that is not updatable; needs one made with isUpdatable")


def model_has_no_functions(draft: Draft) -> Iterator[Fault]:
    """Only ML programs have functions. Source: InterfaceValidators.cpp, `validateMultiFunctionDescription`."""
    description = draft.description
    if description.functions or description.defaultFunctionName:
        yield Fault(
            "", f"found {len(description.functions)} functions or a default one; needs none in this kind of model"
        )


def model_has_no_state(draft: Draft) -> Iterator[Fault]:
    """Only ML programs have state. Source: Model.proto, `ModelDescription.state`; Apple's validator has no check."""
    if draft.description.state:
        yield Fault("", f"found {len(draft.description.state)} state features; needs none in this kind of model")


def has_dimensions(draft: Draft) -> Iterator[Fault]:
    """Samples have one number or more. Apple's validator does not check this for a model without samples."""
    dimensions = draft.index.numberOfDimensions
    if dimensions < 1:
        yield Fault("/neighbors/dimensions", f"found {dimensions}; needs 1 or more")


def sample_lengths_match_the_dimensions(draft: Draft) -> Iterator[Fault]:
    """Each sample has `numberOfDimensions` numbers. Source: KNearestNeighborsClassifierValidator.cpp."""
    dimensions = draft.index.numberOfDimensions
    if dimensions < 1:
        return
    for place, length in enumerate(draft.lengths):
        if length != dimensions:
            yield Fault("/neighbors/samples", f"found {length} numbers in sample {place}; needs {dimensions}")


def samples_are_finite(draft: Draft) -> Iterator[Fault]:
    """No sample has NaN or infinity. Apple's validator does not check this; such a sample has no valid distances."""
    if draft.samples is None:
        return
    for place in np.flatnonzero(~np.isfinite(draft.samples).all(axis=1)):
        yield Fault("/neighbors/samples", f"found NaN or infinity in sample {place}; needs finite numbers")


def every_sample_has_a_label(draft: Draft) -> Iterator[Fault]:
    """Every sample has a label. A model may have no samples. Source: KNearestNeighborsClassifierValidator.cpp."""
    samples, labels = len(draft.lengths), len(draft.labels)
    if samples != labels:
        yield Fault("/neighbors/samples", f"found {samples} samples and {labels} labels; needs the same number of both")


def class_count_is_limited(draft: Draft) -> Iterator[Fault]:
    """The number of classes is limited, since a prediction has a probability for every class. Ours."""
    if (count := len(set(draft.labels))) > MAX_CLASSES:
        yield Fault("/neighbors/classes", f"found {count} different labels; needs {MAX_CLASSES} or fewer")


def has_an_index(draft: Draft) -> Iterator[Fault]:
    """The index is set. Source: KNearestNeighborsClassifierValidator.cpp."""
    if draft.index.WhichOneof("IndexType") is None:
        yield Fault("/neighbors/index", "found no index; needs linearIndex or singleKdTreeIndex")


def leaf_size_is_positive(draft: Draft) -> Iterator[Fault]:
    """A tree's leaves hold one sample or more. Source: KNearestNeighborsClassifierValidator.cpp."""
    size = draft.index.singleKdTreeIndex.leafSize
    if draft.index.WhichOneof("IndexType") == "singleKdTreeIndex" and size < 1:
        yield Fault("/neighbors/leaf_size", f"found {size}; needs 1 or more")


def has_a_distance_function(draft: Draft) -> Iterator[Fault]:
    """The distance function is set. Source: KNearestNeighborsClassifierValidator.cpp."""
    if draft.index.WhichOneof("DistanceFunction") is None:
        yield Fault("/neighbors/distance", "found no distance function; needs squaredEuclideanDistance, the only one")


def number_of_neighbors_is_within_its_limits(draft: Draft) -> Iterator[Fault]:
    """The default and the limits are 1 or more, and the default is within the limits. Source: ParameterValidator.cpp.

    Apple's validator reads a set only up to the default; here the whole set must be valid.
    """
    document = parameter_document(draft.classifier.numberOfNeighbors)
    try:
        IntegerParameter.model_validate(document)
    except ValidationError as error:
        for fault in explain(error, IntegerParameter, document):
            where = f"{fault.pointer.lstrip('/')}: " if fault.pointer else ""
            yield Fault("/neighbors/number_of_neighbors", where + fault.detail)


def has_a_weighting(draft: Draft) -> Iterator[Fault]:
    """The weighting is set. Source: KNearestNeighborsClassifierValidator.cpp."""
    if draft.classifier.WhichOneof("WeightingScheme") is None:
        yield Fault("/neighbors/weighting", "found no weighting; needs uniformWeighting or inverseDistanceWeighting")


def default_label_is_valid(draft: Draft) -> Iterator[Fault]:
    """A model without labels has a default label, and a default label has the type of the labels.

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
            f"found a default label of a different type than the labels; needs one of type {draft.label_type}",
        )


Rule = Callable[[Draft], Iterator[Fault]]

RULES_BY_ID: Final[dict[str, Rule]] = {
    "neighbors.kind": model_is_a_nearest_neighbor_classifier,
    "neighbors.version": version_supports_updatable_classifiers,
    "neighbors.updatable": model_is_updatable,
    "neighbors.functions": model_has_no_functions,
    "neighbors.state": model_has_no_state,
    "neighbors.names": feature_rules.features_have_unique_names,
    "neighbors.inputs": feature_rules.only_input_is_an_array,
    "neighbors.input-shape": feature_rules.input_is_a_vector_of_fixed_length,
    "neighbors.input-type": feature_rules.version_supports_the_input_type,
    "neighbors.input-default": feature_rules.input_default_has_the_input_type,
    "neighbors.outputs": feature_rules.outputs_are_the_label_and_its_probabilities,
    "neighbors.training-inputs": feature_rules.training_inputs_are_the_input_and_the_label,
    "neighbors.dimensions": has_dimensions,
    "neighbors.sample-lengths": sample_lengths_match_the_dimensions,
    "neighbors.samples-finite": samples_are_finite,
    "neighbors.samples-labels": every_sample_has_a_label,
    "neighbors.classes": class_count_is_limited,
    "neighbors.index": has_an_index,
    "neighbors.leaf-size": leaf_size_is_positive,
    "neighbors.distance": has_a_distance_function,
    "neighbors.k": number_of_neighbors_is_within_its_limits,
    "neighbors.weighting": has_a_weighting,
    "neighbors.default-label": default_label_is_valid,
}
"""The rules for a model. If a model breaks the first rule, the other rules are not checked, since all would fail."""
