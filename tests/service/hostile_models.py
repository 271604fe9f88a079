"""Damaged and malicious model files."""

from collections.abc import Callable
from functools import cache

import numpy as np

from pippin.models.mlmodel import build
from pippin.models.mlmodel.proto import Message, new_model, parse, serialize
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset

# Field numbers of Model.proto and NeuralNetwork.proto.
_VERSION, _DESCRIPTION, _UPDATABLE, _PIPELINE, _NETWORK = 1, 2, 10, 202, 500


@cache
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


def _of_kind(kind: str) -> bytes:
    model = new_model()
    model.specificationVersion = 8
    model.isUpdatable = True
    getattr(model, kind).SetInParent()
    return serialize(model)


def _nested(depth: int) -> bytes:
    data = _model(_field(_NETWORK, b""))
    for _ in range(depth):
        data = _model(_field(_PIPELINE, _field(1, data)))
    return data


def _huge_dimension(model: Message) -> None:
    model.description.input[0].type.multiArrayType.shape[0] = 2**62


def _huge_array(model: Message) -> None:
    for feature in (*model.description.input, *model.description.trainingInput[:1]):
        feature.type.multiArrayType.shape[:] = [2**16, 2**16, 2**16]


def _truncated_weights(model: Message) -> None:
    del model.neuralNetwork.layers[0].convolution.weights.floatValue[5:]


def _cycle(model: Message) -> None:
    model.neuralNetwork.layers[0].input[0] = model.neuralNetwork.layers[3].output[0]


def _duplicate_layer_name(model: Message) -> None:
    model.neuralNetwork.layers[1].name = model.neuralNetwork.layers[0].name


def _duplicate_blob_name(model: Message) -> None:
    model.neuralNetwork.layers[1].output[0] = model.neuralNetwork.layers[0].output[0]


def _custom_layer(model: Message) -> None:
    model.neuralNetwork.layers[1].custom.className = "Evil"


def _damaged(harm: Callable[[Message], object]) -> Callable[[], bytes]:
    def make() -> bytes:
        model = parse(mnist_file())
        harm(model)
        return serialize(model)

    return make


# By kind of damage: what makes the file, and a part of the expected message.
HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "a huge shape": (_damaged(_huge_dimension), "/inputs/0/shape/0: found 4611686018427387904"),
    "a shape of huge size": (_damaged(_huge_array), "281474976710656 numbers"),
    "too few weights": (_damaged(_truncated_weights), "/layers/0/weights: "),
    "a circle": (_damaged(_cycle), "/layers/0/input: found 'conv2', which is the output of layer 'conv2' further down"),
    "two layers of one name": (
        _damaged(_duplicate_layer_name),
        "/layers/1/name: found 'conv1', the name of layer 0 too",
    ),
    "two blobs of one name": (_damaged(_duplicate_blob_name), "/layers/1/output: found 'outConv1'"),
    "a custom layer": (_damaged(_custom_layer), "custom"),
    "nothing": (lambda: b"", "the file is empty (0 bytes)"),
    "text": (lambda: b"hello, world", "not an .mlmodel"),
    "a megabyte of zeros": (lambda: bytes(2**20), "not an .mlmodel"),
    "a megabyte of noise": (lambda: np.random.default_rng(1).bytes(2**20), "not an .mlmodel"),
    "half a file": (lambda: mnist_file()[: len(mnist_file()) // 2], "only a part of one"),
    "all but the last byte": (lambda: mnist_file()[:-1], "only a part of one"),
    "two million layers": (lambda: _model(_field(_NETWORK, _field(1, b"") * 2_000_000)), "2000000 layers"),
    "half a million pipeline stages": (lambda: _model(_field(_PIPELINE, _field(1, b"") * 500_000)), "500000 models"),
    "half a million features": (
        lambda: _model(_field(_DESCRIPTION, _field(1, b"") * 500_000) + _field(_NETWORK, b"")),
        "feature",
    ),
    "a pipeline in a pipeline": (lambda: _nested(20), "/models/0: found a model of kind pipeline"),
    "pipelines as deep as can be": (lambda: _nested(40), "/models/0: found a model of kind pipeline"),
    "pipelines deeper than can be": (lambda: _nested(5_000), "not an .mlmodel"),
    "a linked model": (lambda: _of_kind("linkedModel"), "kind linkedModel"),
    "an mlProgram": (lambda: _of_kind("mlProgram"), "kind mlProgram"),
}
