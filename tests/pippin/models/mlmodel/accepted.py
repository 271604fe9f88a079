"""Files that Core ML takes and that differ from what Pippin itself writes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel.proto import ARRAY_TYPES, Message
from tests.pippin.models.mlmodel import files
from tests.pippin.models.mlmodel.files import DENSE, SOFTMAX, network

HEAD = files.HEAD
VECTORS = np.random.default_rng(3).normal(size=(6, 2)).astype(np.float32)
IMAGES = np.random.default_rng(4).normal(size=(6, 2, 3, 3)).astype(np.float32)
PIXELS = np.random.default_rng(5).integers(0, 256, (6, 3, 2, 2)).astype(np.uint8)
CLASSES = np.array([[0], [1], [1], [0], [1], [0]], np.int32)


@dataclass(frozen=True)
class Accepted:
    """A file, what to train it on, and what else a prediction needs.

    Attributes:
        make: Makes the file's message.
        training: The training inputs by name.
        more: Inputs of a prediction that are no training inputs.
        findings: The rules of the warnings about it.
    """

    make: Callable[[], Message]
    training: Mapping[str, NDArray[Any]]
    more: dict[str, NDArray[np.generic]] = field(default_factory=dict)
    findings: tuple[str, ...] = ()

    @property
    def inputs(self) -> dict[str, NDArray[np.generic]]:
        """What a prediction needs."""
        target = list(self.training)[-1]
        return {name: array for name, array in self.training.items() if name != target} | self.more


def whole_number_output() -> Message:
    """Declares its output INT32."""
    model = network()
    model.description.output[0].type.multiArrayType.dataType = ARRAY_TYPES["int"]
    return model


def listed_twice() -> Message:
    """Lists every training input twice, as coremltools does where they were there before the loss was set."""
    model = network(classifier={"labels": ["a", "b"], "predicted_feature": "label"}, outputs=...)
    model.description.trainingInput.extend(list(model.description.trainingInput))
    return model


def spare_input() -> Message:
    """Has an input that the loss does not depend on, and no training input for it."""
    model = network(
        inputs=[{"name": "point", "shape": [2]}, {"name": "extra", "shape": [2]}],
        outputs=[{"name": "y"}, {"name": "e"}],
        layers=[
            {"type": "relu", "name": "e", "input": "extra"},
            DENSE | {"input": "point"},
            SOFTMAX,
        ],
    )
    del model.description.trainingInput[1]
    return model


def negative_seed() -> Message:
    """Shuffles by a negative seed, inside limits."""
    model = network()
    seed = model.neuralNetwork.updateParams.seed
    seed.defaultValue, seed.range.minValue, seed.range.maxValue = -7, -9, -1
    return model


def target_without_shape(**changes: object) -> Message:
    """Declares its target without a shape."""
    model = network(**changes)
    model.description.trainingInput[1].type.multiArrayType.ClearField("shape")
    return model


def global_pooling(*window: int) -> Message:
    """Pools globally with a kernel and a stride that are ignored; of zeros, coremltools writes it so."""
    pooling = {"type": "pooling", "name": "pool", "pooling_type": "average", "global_pooling": True}
    model = network(inputs=[{"name": "image", "shape": [2, 3, 3]}], layers=[pooling, *HEAD])
    layer = model.neuralNetwork.layers[0].pooling
    layer.kernelSize[:], layer.stride[:] = window, window
    return model


def mean_image(color: str = "rgb", values: NDArray[np.float32] | None = None) -> Message:
    """Subtracts a mean image."""
    picture = {"name": "image", "type": "image", "color": color, "width": 2, "height": 2}
    model = network(inputs=[picture], layers=HEAD)
    numbers = np.arange(12, dtype=np.float32) if values is None else values.ravel()
    model.neuralNetwork.preprocessing.add(featureName="image").meanImage.meanImage.extend(numbers.tolist())
    return model


ON_VECTORS = {"point": VECTORS, "y_true": CLASSES}

ACCEPTED = {
    "an output of INT32": Accepted(whole_number_output, ON_VECTORS, findings=("runtime.integer-output",)),
    "training inputs listed twice": Accepted(listed_twice, {"point": VECTORS, "label": CLASSES}),
    "an input that training does not need": Accepted(spare_input, ON_VECTORS, {"extra": VECTORS}),
    "a negative seed": Accepted(negative_seed, ON_VECTORS),
    "a target without a shape": Accepted(target_without_shape, ON_VECTORS),
    "a mean squared error's target without a shape": Accepted(
        lambda: target_without_shape(loss={"type": "mean_squared_error", "input": "dense"}),
        {"point": VECTORS, "dense_true": VECTORS},
        findings=("runtime.linear-squares",),
    ),
    "global pooling with zeros": Accepted(lambda: global_pooling(0, 0), {"image": IMAGES, "y_true": CLASSES}),
    "global pooling with a window": Accepted(lambda: global_pooling(5, 70_000), {"image": IMAGES, "y_true": CLASSES}),
    "global pooling with one number": Accepted(lambda: global_pooling(0), {"image": IMAGES, "y_true": CLASSES}),
    "a mean image": Accepted(mean_image, {"image": PIXELS, "y_true": CLASSES}),
    "a mean image of a BGR picture": Accepted(lambda: mean_image("bgr"), {"image": PIXELS, "y_true": CLASSES}),
}
