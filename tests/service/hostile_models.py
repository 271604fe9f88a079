"""Damaged and malicious model files."""

from collections.abc import Callable

import numpy as np

from pippin.models.mlmodel import build
from pippin.models.mlmodel.proto import Message, new_model, serialize
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset

# Field numbers of Model.proto and NeuralNetwork.proto.
_VERSION, _DESCRIPTION, _UPDATABLE, _PIPELINE, _NETWORK = 1, 2, 10, 202, 500


def mnist_file() -> bytes:
    """The preset's file."""
    return build(resolve(preset("mnist-cnn")))


def _varint(number: int) -> bytes:
    encoded = b""
    while number > 127:
        encoded += bytes([number & 127 | 128])
        number >>= 7
    return encoded + bytes([number])


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _model(content: bytes) -> bytes:
    """An updatable model of version 4 with further encoded fields."""
    return _varint(_VERSION << 3) + b"\x04" + _varint(_UPDATABLE << 3) + b"\x01" + content


def _damaged(good: bytes, harm: Callable[[Message], object]) -> bytes:
    model = new_model()
    model.ParseFromString(good)
    harm(model)
    return serialize(model)


def _of_kind(fill: Callable[[Message], object]) -> bytes:
    model = new_model()
    model.specificationVersion = 8
    model.isUpdatable = True
    fill(model)
    return serialize(model)


def _nested(depth: int) -> bytes:
    data = _model(_field(_NETWORK, b""))
    for _ in range(depth):
        data = _model(_field(_PIPELINE, _field(1, data)))
    return data


def _declare_huge_dimension(model: Message) -> None:
    model.description.input[0].type.multiArrayType.shape[0] = 2**62


def _declare_huge_array(model: Message) -> None:
    for feature in (*model.description.input, *model.description.trainingInput[:1]):
        feature.type.multiArrayType.shape[:] = [2**16, 2**16, 2**16]


def _truncate_weights(model: Message) -> None:
    del model.neuralNetwork.layers[0].convolution.weights.floatValue[5:]


def _add_cycle(model: Message) -> None:
    layers = model.neuralNetwork.layers
    layers[0].input[0] = layers[3].output[0]


def _duplicate_layer_name(model: Message) -> None:
    layers = model.neuralNetwork.layers
    layers[1].name = layers[0].name


def _duplicate_blob_name(model: Message) -> None:
    layers = model.neuralNetwork.layers
    layers[1].output[0] = layers[0].output[0]


def _set_custom_layer(model: Message) -> None:
    model.neuralNetwork.layers[1].custom.className = "Evil"


def hostile_files() -> dict[str, tuple[bytes, str]]:
    """By kind of damage: the file, and a part of the expected message."""
    good = mnist_file()
    damages: dict[str, tuple[Callable[[Message], object], str]] = {
        "a huge shape": (_declare_huge_dimension, "/inputs/0/shape/0: found 4611686018427387904"),
        "a shape of huge size": (_declare_huge_array, "281474976710656 numbers"),
        "too few weights": (_truncate_weights, "/layers/0/weights: "),
        "a circle": (_add_cycle, "/layers/0/input: found 'conv2', which is the output of layer 'conv2' further down"),
        "two layers of one name": (_duplicate_layer_name, "/layers/1/name: found 'conv1', the name of layer 0 too"),
        "two blobs of one name": (_duplicate_blob_name, "/layers/1/output: found 'outConv1'"),
        "a custom layer": (_set_custom_layer, "custom"),
    }
    return {what: (_damaged(good, harm), said) for what, (harm, said) in damages.items()} | {
        "nothing": (b"", "the file is empty (0 bytes)"),
        "text": (b"hello, world", "not an .mlmodel"),
        "a megabyte of zeros": (bytes(2**20), "not an .mlmodel"),
        "a megabyte of noise": (np.random.default_rng(1).bytes(2**20), "not an .mlmodel"),
        "half a file": (good[: len(good) // 2], "only a part of one"),
        "all but the last byte": (good[:-1], "only a part of one"),
        "two million layers": (_model(_field(_NETWORK, _field(1, b"") * 2_000_000)), "2000000 layers"),
        "half a million pipeline stages": (_model(_field(_PIPELINE, _field(1, b"") * 500_000)), "500000 models"),
        "half a million features": (
            _model(_field(_DESCRIPTION, _field(1, b"") * 500_000) + _field(_NETWORK, b"")),
            "feature",
        ),
        "a pipeline in a pipeline": (_nested(20), "/models/0: found a model of kind pipeline"),
        "pipelines as deep as can be": (_nested(40), "/models/0: found a model of kind pipeline"),
        "pipelines deeper than can be": (_nested(5_000), "not an .mlmodel"),
        "a linked model": (
            _of_kind(lambda model: model.linkedModel.linkedModelFile.linkedModelFileName.SetInParent()),
            "kind linkedModel",
        ),
        "an mlProgram": (_of_kind(lambda model: model.mlProgram.SetInParent()), "kind mlProgram"),
    }
