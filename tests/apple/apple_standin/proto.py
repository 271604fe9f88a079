"""Core ML's messages, by coremltools' generated classes."""

import logging
from typing import Any

from apple_standin.errors import CoreMLError

logging.getLogger("coremltools").addFilter(lambda record: "Failed to load _ML" not in record.getMessage())


def parse(data: bytes) -> Any:
    """The `Model` in a file's bytes."""
    from coremltools.proto import Model_pb2  # noqa: PLC0415  # slow: not before a model is read
    from google.protobuf.message import DecodeError  # noqa: PLC0415

    model = Model_pb2.Model()
    try:
        model.ParseFromString(data)
    except DecodeError as broken:
        raise CoreMLError("IO", f"Unable to deserialize object: {broken}") from None
    if model.specificationVersion < 1 or model.WhichOneof("Type") is None:
        raise CoreMLError("IO", "Unable to deserialize object: no version or no model in it")
    return model


def network_of(model: Any) -> Any:
    """The neural network in a model, whatever its kind."""
    kind = model.WhichOneof("Type")
    if kind not in ("neuralNetwork", "neuralNetworkClassifier", "neuralNetworkRegressor"):
        raise CoreMLError("Generic", f"the stand-in knows neural networks only, this model is a {kind}")
    return getattr(model, kind)
