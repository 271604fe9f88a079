"""A spec after all inference, the input of the file writer, the network and the engines."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import prod
from typing import TYPE_CHECKING

from pippin.models.spec.features import Feature
from pippin.models.spec.findings import Finding
from pippin.models.spec.layer import Layer
from pippin.models.spec.model import ModelSpec, NetworkSpec
from pippin.models.spec.values import Shape

if TYPE_CHECKING:
    # Not at run time: specs are resolved in processes for which NumPy's import time of 0.1 s matters.
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ResolvedLayer:
    """A layer with its inferred fields and shapes.

    Attributes:
        layer: The layer, every field filled in.
        inputs: Names of the input blobs.
        outputs: Names of the output blobs.
        input_shapes: One shape per blob, for one example.
        output_shapes: One shape per blob, for one example.
        weight_shapes: By the names of the proto's weight fields (`weights`, `bias`), in the order of the file.
    """

    layer: Layer
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    input_shapes: tuple[Shape, ...]
    output_shapes: tuple[Shape, ...]
    weight_shapes: Mapping[str, Shape]

    @property
    def parameter_count(self) -> int:
        """The number of the layer's weights."""
        return sum(prod(shape) for shape in self.weight_shapes.values())


@dataclass(frozen=True)
class ResolvedNetwork:
    """A valid network.

    Attributes:
        spec: The spec with all inferred fields filled in.
        layers: The layers in the order of computation, which is the spec's order.
        shapes: Every blob's shape, for one example: model inputs and outputs of layers.
        has_true_ranks: See `pippin.models.spec.graph.Graph`.
        mean_images: The images to subtract from image inputs before the first layer, [C, H, W] by the input's name, the
            channels in the order of its `color`: `NeuralNetworkMeanImage`. Only files have mean images; a spec cannot
            express them.
    """

    spec: NetworkSpec
    layers: tuple[ResolvedLayer, ...]
    shapes: Mapping[str, Shape]
    has_true_ranks: bool = field(default=False, kw_only=True)
    # Comparison of arrays gives no single truth value.
    mean_images: "Mapping[str, NDArray[np.float32]]" = field(
        default_factory=dict, compare=False, repr=False, kw_only=True
    )

    @property
    def parameter_count(self) -> int:
        """The number of the network's weights."""
        return sum(layer.parameter_count for layer in self.layers)

    @property
    def inputs(self) -> tuple[Feature, ...]:
        """The inputs of a prediction."""
        return self.spec.inputs

    @property
    def outputs(self) -> tuple[Feature, ...]:
        """The outputs of a prediction, each array with its shape."""
        assert self.spec.outputs is not None
        return self.spec.outputs

    @property
    def probabilities_blob(self) -> str:
        """The blob that holds a classifier's probabilities."""
        assert self.spec.classifier is not None
        return self.spec.classifier.blob or self.layers[-1].outputs[0]


@dataclass(frozen=True)
class ResolvedSpec(ResolvedNetwork):
    """A valid spec: a network and its training.

    Attributes:
        findings: Warnings about properties that Core ML accepts although they are known to fail.
    """

    spec: ModelSpec
    findings: tuple[Finding, ...] = ()

    @property
    def training_target(self) -> str:
        """The name of the training input with the target: a classifier's predicted feature if that is one of them."""
        classifier = self.spec.classifier
        if classifier is not None and classifier.predicted_feature in self.training_input_names:
            return classifier.predicted_feature
        assert self.spec.loss.target is not None
        return self.spec.loss.target

    @property
    def training_inputs(self) -> tuple[Feature, ...]:
        """The features of a training example, in the spec's order."""
        assert self.spec.training_inputs is not None
        return self.spec.training_inputs

    @property
    def training_input_names(self) -> tuple[str, ...]:
        """The names of the features of a training example."""
        return tuple(feature.name for feature in self.training_inputs)
