"""Models in Python, in the style of SwiftCoreMLTools: `Model(…)[Input(…), NeuralNetwork(…)[ReLU(), …]]`.

There is a class for every layer type, with the name of its class in `pippin.models.spec.layers`.
"""

from pippin.models.builder.model import Model
from pippin.models.builder.network import NeuralNetwork
from pippin.models.builder.parts import (
    LAYER_CLASSES,
    SGD,
    Adam,
    BuilderError,
    CategoricalCrossEntropy,
    Classifier,
    Feature,
    Input,
    Layer,
    Loss,
    MeanSquaredError,
    Optimizer,
    Output,
    Part,
    Regressor,
    TrainingInput,
)

__all__ = [
    "SGD",
    "Adam",
    "BuilderError",
    "CategoricalCrossEntropy",
    "Classifier",
    "Feature",
    "Input",
    "Layer",
    "Loss",
    "MeanSquaredError",
    "Model",
    "NeuralNetwork",
    "Optimizer",
    "Output",
    "Part",
    "Regressor",
    "TrainingInput",
]
__all__ += list(LAYER_CLASSES)


def __getattr__(name: str) -> type[Layer]:
    """The class of a layer type."""
    try:
        return LAYER_CLASSES[name]
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    """The module's names, including the layer types."""
    return sorted({*globals(), *LAYER_CLASSES})
