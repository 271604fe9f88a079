"""A spec after all inference: what the file, the network and the engines work from."""

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
    # Not when it runs: specs are resolved where NumPy's 0.1 s of importing counts.
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class ResolvedLayer:
    """A layer with everything known about it.

    Attributes:
        layer: The layer, every field filled in.
        inputs: Names of the blobs that it reads.
        outputs: Names of the blobs that it makes.
        input_shapes: One shape a blob, of one example.
        output_shapes: One shape a blob, of one example.
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
        """How many numbers the layer's weights hold."""
        return sum(prod(shape) for shape in self.weight_shapes.values())


@dataclass(frozen=True)
class ResolvedNetwork:
    """A network that is known to be right.

    Attributes:
        spec: Every field filled in that could be inferred.
        layers: In the order in which they are computed, which is the spec's own.
        shapes: Every blob's shape, of one example: model inputs and what layers make.
        has_true_ranks: See `pippin.models.spec.graph.Graph`.
        mean_images: What is subtracted from images before the first layer, [C, H, W] by the input's name, the channels
            in the order of its `color`: `NeuralNetworkMeanImage`. Only files have them; a spec cannot say them.
    """

    spec: NetworkSpec
    layers: tuple[ResolvedLayer, ...]
    shapes: Mapping[str, Shape]
    has_true_ranks: bool = field(default=False, kw_only=True)
    # Arrays have no single truth value to compare by.
    mean_images: "Mapping[str, NDArray[np.float32]]" = field(
        default_factory=dict, compare=False, repr=False, kw_only=True
    )

    @property
    def parameter_count(self) -> int:
        """How many numbers the network's weights hold."""
        return sum(layer.parameter_count for layer in self.layers)

    @property
    def inputs(self) -> tuple[Feature, ...]:
        """What a prediction needs."""
        return self.spec.inputs

    @property
    def outputs(self) -> tuple[Feature, ...]:
        """What a prediction answers, each array with its shape."""
        assert self.spec.outputs is not None
        return self.spec.outputs

    @property
    def probabilities_blob(self) -> str:
        """The blob that holds a classifier's probabilities."""
        assert self.spec.classifier is not None
        return self.spec.classifier.blob or self.layers[-1].outputs[0]


@dataclass(frozen=True)
class ResolvedSpec(ResolvedNetwork):
    """A spec that is known to be right: a network, and how it is trained.

    Attributes:
        findings: What Core ML accepts and yet is known to go wrong.
    """

    spec: ModelSpec
    findings: tuple[Finding, ...] = ()

    @property
    def training_target(self) -> str:
        """The name of the training input that holds the truth: a classifier's own, where it is one of them."""
        classifier = self.spec.classifier
        if classifier is not None and classifier.predicted_feature in self.training_input_names:
            return classifier.predicted_feature
        assert self.spec.loss.target is not None
        return self.spec.loss.target

    @property
    def training_inputs(self) -> tuple[Feature, ...]:
        """What a training example holds, in the spec's order."""
        assert self.spec.training_inputs is not None
        return self.spec.training_inputs

    @property
    def training_input_names(self) -> tuple[str, ...]:
        """The names of all that a training example holds."""
        return tuple(feature.name for feature in self.training_inputs)
