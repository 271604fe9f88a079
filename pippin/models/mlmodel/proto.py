"""Typed functions around coremltools' generated protobuf messages, which publish no types."""

import logging
from typing import Any, Final, TypeAlias

from google.protobuf.message import DecodeError, EncodeError

from pippin.models.mlmodel.errors import (
    MODEL_FUNCTIONS,
    MODEL_KIND,
    MODEL_UPDATABLE,
    ModelFileError,
    NotAModelFileError,
)

Message: TypeAlias = Any
"""A message of Core ML's format. The classes that protoc generates publish no types."""


def _is_relevant(record: logging.LogRecord) -> bool:
    """False for coremltools' warnings that it cannot run models: only macOS can, and Pippin only reads and writes."""
    message = record.getMessage()
    return not (message.startswith("Failed to load _ML") and "Proxy" in message)


_logger = logging.getLogger("coremltools")
_logger.addFilter(_is_relevant)
try:
    from coremltools.proto import FeatureTypes_pb2, Model_pb2
finally:
    _logger.removeFilter(_is_relevant)

ARRAY_TYPES: dict[str, int] = {
    "float": FeatureTypes_pb2.ArrayFeatureType.FLOAT32,
    "double": FeatureTypes_pb2.ArrayFeatureType.DOUBLE,
    "int": FeatureTypes_pb2.ArrayFeatureType.INT32,
}
"""`ArrayFeatureType.ArrayDataType` by the names of the spec language."""

COLORS: dict[str, int] = {
    "gray": FeatureTypes_pb2.ImageFeatureType.GRAYSCALE,
    "rgb": FeatureTypes_pb2.ImageFeatureType.RGB,
    "bgr": FeatureTypes_pb2.ImageFeatureType.BGR,
}
"""`ImageFeatureType.ColorSpace` by the names of the spec language."""


def new_model() -> Message:
    """An empty `Model`."""
    return Model_pb2.Model()


def parse(data: bytes) -> Message:
    """The `Model` in a file's bytes.

    Raises:
        NotAModelFileError: The bytes are not a model.
    """
    model = new_model()
    try:
        model.ParseFromString(data)
    except DecodeError:
        raise NotAModelFileError(f"found {len(data)} bytes that are not an .mlmodel, or only a part of one") from None
    if model.specificationVersion < 1 or model.WhichOneof("Type") is None:
        raise NotAModelFileError(
            f"found {len(data)} bytes that are not an .mlmodel: they contain no version or no model"
        )
    return model


def serialize(model: Message) -> bytes:
    """The file's bytes, identical for the same model in every process.

    Without `deterministic` the order of user-defined keys depends on the process's hash seed.

    Raises:
        ModelFileError: The model is larger than the 2 GiB that protobuf can write.
    """
    try:
        data: bytes = model.SerializeToString(deterministic=True)
    except (EncodeError, ValueError):
        raise ModelFileError("the model is larger than the 2 GiB that an .mlmodel can hold") from None
    return data


def kind_of(layer: Message) -> str | None:
    """The kind of a `NeuralNetworkLayer`, in the form of `Layer.proto_kind`; None if the message has no parameters."""
    kind: str | None = layer.WhichOneof("layer")
    if kind == "convolution" and layer.convolution.isDeconvolution:
        return "deconvolution"
    if kind != "activation":
        return kind
    return f"activation.{layer.activation.WhichOneof('NonlinearityType')}"


def at(message: Message, path: str) -> Message:
    """The nested message at the dotted `path`."""
    for part in path.split("."):
        message = getattr(message, part)
    return message


NETWORKS: Final = ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor")
"""The fields of `Model` that hold a network."""

NEIGHBORS: Final = "kNearestNeighborsClassifier"
"""The field of `Model` that holds a nearest-neighbour classifier."""

PIPELINES: Final = ("pipeline", "pipelineClassifier", "pipelineRegressor")
"""The fields of `Model` that hold a pipeline."""


def network_of(model: Message) -> Message:
    """The network message of a model.

    Raises:
        ModelFileError: The model is of another kind.
    """
    kind = model.WhichOneof("Type")
    if kind not in NETWORKS:
        raise ModelFileError(
            f"the file holds a model of kind {kind}; here it must be one of {', '.join(NETWORKS)}", rule=MODEL_KIND
        )
    return getattr(model, kind)


def check_updatable(model: Message) -> None:
    """Refuse a model that is not marked updatable. Source: Model.proto, `isUpdatable`, since version 4.

    Raises:
        ModelFileError: The model is not updatable.
    """
    if not model.isUpdatable:
        raise ModelFileError(
            "the model is not updatable; Pippin trains models that were made with isUpdatable", rule=MODEL_UPDATABLE
        )


def check_has_no_functions(model: Message) -> None:
    """Refuse functions and state, which only ML programs have. Source: InterfaceValidators.cpp.

    Raises:
        ModelFileError: The model has functions or state.
    """
    description = model.description
    if description.functions or description.defaultFunctionName or description.state:
        raise ModelFileError(
            f"the model has {len(description.functions)} functions, {description.defaultFunctionName!r} as the default "
            f"one, and {len(description.state)} state features; only ML programs have any",
            rule=MODEL_FUNCTIONS,
        )
