"""A compiled model: a folder named .mlmodelc, whose content only the stand-in reads."""

import zlib
from pathlib import Path
from typing import Any

from apple_standin.errors import CoreMLError
from apple_standin.network import Weights
from apple_standin.proto import network_of, parse

_FILE = "coremldata.bin"
_MAGIC = b"compiled by the Apple stand-in\n"


def write(where: Path, model: Any) -> None:
    """Makes the folder."""
    if where.suffix != ".mlmodelc":
        raise CoreMLError("IO", f"a compiled model's name ends with .mlmodelc: {where}")
    try:
        where.mkdir(exist_ok=True)
        (where / _FILE).write_bytes(_MAGIC + zlib.compress(model.SerializeToString(deterministic=True), 1))
    except OSError as failed:
        raise CoreMLError("IO", f"cannot write {where}: {failed.strerror}") from None


def read(url: Any) -> Any:
    """The model in a compiled folder."""
    where: Path = url._where
    if where.suffix != ".mlmodelc" or not where.is_dir():
        raise CoreMLError(
            "IO", f"Unable to load model: {where} is not a compiled model. Compile the model with MLModel"
        )
    try:
        content = (where / _FILE).read_bytes()
    except OSError as failed:
        raise CoreMLError("IO", f"Unable to load model: {where}: {failed.strerror}") from None
    if not content.startswith(_MAGIC):
        raise CoreMLError("IO", f"Unable to load model: {where} has no {_FILE} of a compiled model")
    return parse(zlib.decompress(content[len(_MAGIC) :]))


def with_weights(model: Any, weights: Weights) -> Any:
    """A copy of the model with other weights, in float32."""
    changed = type(model)()
    changed.CopyFrom(model)
    for layer in network_of(changed).layers:
        if layer.name in weights and layer.isUpdatable:
            params = getattr(layer, layer.WhichOneof("layer"))
            for part, message in (("weights", params.weights), ("biases", params.bias)):
                if part in weights[layer.name]:
                    message.ClearField("float16Value")
                    message.floatValue[:] = weights[layer.name][part].reshape(-1).tolist()
    return changed
