"""What kind of model a file holds, and where its network is."""

from typing import Final

from pippin.models.mlmodel.errors import ModelFileError
from pippin.models.mlmodel.proto import Message
from pippin.models.mlmodel.rules import MODEL_FUNCTIONS, MODEL_KIND, MODEL_UPDATABLE

NETWORKS: Final = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")
"""The fields of `Model` that hold a network."""

NEIGHBORS: Final = "kNearestNeighborsClassifier"
"""The field of `Model` that holds a nearest-neighbour classifier."""

PIPELINES: Final = ("pipeline", "pipelineClassifier", "pipelineRegressor")
"""The fields of `Model` that hold models in a row."""


def network_of(model: Message) -> Message:
    """The network of a model that is one.

    Raises:
        ModelFileError: It is a model of another kind.
    """
    kind = model.WhichOneof("Type")
    if kind not in NETWORKS:
        raise ModelFileError(
            f"the file holds a model of kind {kind}; here it must be one of {', '.join(NETWORKS)}", rule=MODEL_KIND
        )
    return getattr(model, kind)


def check_updatable(model: Message) -> None:
    """Refuse a model that is not marked updatable. Source: Model.proto, `isUpdatable`; it came with version 4.

    Raises:
        ModelFileError: It is not.
    """
    if not model.isUpdatable:
        raise ModelFileError(
            "the model is not updatable; Pippin trains models that were made with isUpdatable", rule=MODEL_UPDATABLE
        )


def check_has_no_functions(model: Message) -> None:
    """Refuse functions and state, which only ML programs have. Source: InterfaceValidators.cpp.

    Raises:
        ModelFileError: The model has some.
    """
    description = model.description
    if description.functions or description.defaultFunctionName or description.state:
        raise ModelFileError(
            f"the model has {len(description.functions)} functions, {description.defaultFunctionName!r} as the default "
            f"one, and {len(description.state)} state features; only ML programs have any",
            rule=MODEL_FUNCTIONS,
        )
