"""A spec after all inference: what the file, the network and the engines work from."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import prod

from pippin.spec.layer import Layer
from pippin.spec.model import ModelSpec
from pippin.spec.values import Shape


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
class ResolvedSpec:
    """A spec that is known to be right.

    Attributes:
        spec: The spec, every field filled in that could be inferred.
        layers: In the order in which they are computed, which is the spec's own.
        shapes: Every blob's shape, of one example: model inputs and what layers make.
    """

    spec: ModelSpec
    layers: tuple[ResolvedLayer, ...]
    shapes: Mapping[str, Shape]

    @property
    def parameter_count(self) -> int:
        """How many numbers the model's weights hold."""
        return sum(layer.parameter_count for layer in self.layers)

    @property
    def training_target(self) -> str:
        """The name of the training input that holds the truth."""
        assert self.spec.loss.target is not None
        return self.spec.loss.target

    @property
    def training_input_names(self) -> tuple[str, ...]:
        """The names of all that a training example holds, in the spec's order."""
        assert self.spec.training_inputs is not None
        return tuple(feature.name for feature in self.spec.training_inputs)
