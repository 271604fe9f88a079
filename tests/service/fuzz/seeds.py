"""The seeds of mutations: a small model of every kind, and a network with each layer type."""

from typing import Any

from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder

from pippin.models.mlmodel import build
from pippin.models.mlmodel.proto import new_model, parse, serialize
from pippin.models.spec import resolve
from pippin.models.spec.table import LAYERS
from tests.pippin.models.layers.rows import CASES

HEAD = [
    {"type": "flatten", "name": "flat"},
    {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
    {"type": "softmax", "name": "softmax", "output": "y"},
]

IMAGES: dict[str, Any] = {
    "inputs": [
        {"name": "x", "type": "image", "color": "rgb", "width": 8, "height": 8, "scale": 0.5, "bias": [1, 2, 3]}
    ],
    "layers": [
        {"type": "convolution", "name": "conv", "output_channels": 4, "kernel_size": [3, 3], "updatable": True},
        {"type": "relu", "name": "relu"},
        {"type": "pooling", "name": "pool", "pooling_type": "max", "kernel_size": [2, 2], "stride": [2, 2]},
        *HEAD,
    ],
    "loss": {"type": "categorical_cross_entropy"},
    "optimizer": {
        "type": "adam",
        "learning_rate": {"default": 0.001, "max": 0.3},
        "mini_batch_size": {"default": 8, "set": [8, 16]},
        "beta1": 0.9,
        "beta2": 0.999,
        "eps": 1e-8,
    },
    "epochs": {"default": 3, "min": 1, "max": 9},
    "classifier": {"labels": ["a", "b", "c"], "predicted_feature": "kind", "probabilities": "p", "blob": "y"},
}


def specs() -> list[dict[str, Any]]:
    """One spec for each layer type in its first mode, and an image classifier."""
    first = {case.layer["type"]: case for case in reversed(CASES)}
    return [first[name].document() for name in LAYERS] + [IMAGES]


def files() -> list[bytes]:
    """The files of the specs, a nearest-neighbour classifier, and a pipeline of a network and that classifier."""
    built = [build(resolve(document)) for document in specs()]
    builder = KNearestNeighborsClassifierBuilder(
        input_name="y0", output_name="kind", number_of_dimensions=4, default_class_label="none"
    )
    builder.add_samples([[0.0, 1.0, 2.0, 3.0], [3.0, 2.0, 1.0, 0.0]], ["up", "down"])
    return [*built, serialize(builder.spec), _pipeline(built[list(LAYERS).index("relu")], builder.spec)]


def _pipeline(front: bytes, last: Any) -> bytes:  # noqa: ANN401 - a message, which has no type
    first = parse(front)
    first.ClearField("isUpdatable")
    first.description.ClearField("trainingInput")
    first.neuralNetwork.ClearField("updateParams")
    for layer in first.neuralNetwork.layers:
        layer.isUpdatable = False
    model = new_model()
    model.specificationVersion = 4
    model.isUpdatable = True
    model.description.input.extend(first.description.input)
    model.description.output.extend(last.description.output)
    model.description.trainingInput.extend([*first.description.input, last.description.trainingInput[1]])
    model.pipeline.models.extend([first, last])
    return serialize(model)
