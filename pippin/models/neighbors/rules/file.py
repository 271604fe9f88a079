"""Rules about the file as a whole."""

from collections.abc import Iterator

from pippin.errors import Fault
from pippin.models.neighbors.draft import Draft

_OLDEST, _NEWEST = 4, 10


def model_is_a_nearest_neighbor_classifier(draft: Draft) -> Iterator[Fault]:
    """The model is of this kind. Source: Model.proto, `Model.Type`."""
    kind = draft.message.WhichOneof("Type")
    if kind != "kNearestNeighborsClassifier":
        yield Fault("/kind", f"found a model of kind {kind or 'none'}; needs kNearestNeighborsClassifier")


def version_has_updatable_classifiers(draft: Draft) -> Iterator[Fault]:
    """The version is one that may be updated, and that is known. Source: Model.cpp, `validateGeneric`."""
    version = draft.message.specificationVersion
    if not _OLDEST <= version <= _NEWEST:
        yield Fault("", f"found specification version {version}; needs one from {_OLDEST} to {_NEWEST}")


def model_is_updatable(draft: Draft) -> Iterator[Fault]:
    """The model may be taught. Source: Model.proto, `Model.isUpdatable`; Apple's validator takes either."""
    if not draft.message.isUpdatable:
        yield Fault("", "found a model that is not updatable; needs one made with isUpdatable")


def model_has_no_functions(draft: Draft) -> Iterator[Fault]:
    """Functions are for ML programs. Source: InterfaceValidators.cpp, `validateMultiFunctionDescription`."""
    description = draft.description
    if description.functions or description.defaultFunctionName:
        yield Fault(
            "", f"found {len(description.functions)} functions or a default one; needs none in this kind of model"
        )


def model_keeps_no_state(draft: Draft) -> Iterator[Fault]:
    """State is for ML programs. Source: Model.proto, `ModelDescription.state`; Apple's validator does not look."""
    if draft.description.state:
        yield Fault("", f"found {len(draft.description.state)} state features; needs none in this kind of model")
