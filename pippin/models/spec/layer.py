"""The base classes of layer types."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.values import Flag, Name, Shape, Value

# The classes that protoc generates publish no types, and this package does not import them: a layer writes into any
# object with the fields of its proto message.
Message = Any

RANK_RULE: Final = "layers.rank"
"""A blob has the rank that a layer needs. Source: `validateRankCount` of NeuralNetworkValidatorUtils.hpp."""


def name_of(number: int, names: Mapping[str, int], what: str) -> str:
    """The spec language's name for an enum value in the file.

    Raises:
        ValueError: The spec language has no name for the value.
    """
    for name, known in names.items():
        if known == number:
            return name
    listed = ", ".join(f"{name} ({known})" for name, known in names.items())
    raise ValueError(f"found {what} {number}; Pippin knows {listed}")


class Layer(Value):
    """A layer of a network; each type is a subclass, listed in `pippin.models.spec.table`.

    Shapes are those of one example (`pippin.models.spec.values.Shape`). Pointers of faults start at the layer.
    """

    type: str
    name: Name
    input: Name | tuple[Name, ...] | None = Field(
        default=None, description="The input blobs. Default: the output of the previous layer."
    )
    output: Name | tuple[Name, ...] | None = Field(
        default=None,
        description="The output blobs. Default: the layer's name, or for the last layer the model's only output.",
    )
    updatable: Flag = Field(default=False, description="Whether training changes the layer's weights.")

    summary: ClassVar[str]
    """A description of the type in one line."""
    proto_path: ClassVar[str]
    """The path of the layer's parameters in `NeuralNetworkLayer`, such as `convolution` or `activation.ReLU`."""
    input_count: ClassVar[tuple[int, int]] = (1, 1)
    """The minimum and maximum number of input blobs."""
    output_count: ClassVar[tuple[int, int]] = (1, 1)
    """The minimum and maximum number of output blobs."""
    min_rank: ClassVar[int] = 1
    """The minimum rank of the input blobs."""
    min_version: ClassVar[int] = 1
    """The first specification version with the type."""
    newer_option: ClassVar[str] = ""
    """The field that may need a later version than the type; empty if there is none."""
    trainable: ClassVar[bool] = False
    """Whether Core ML can train the type."""
    passes_gradient: ClassVar[bool] = False
    """Whether Core ML allows the type between the loss and an updatable layer."""
    array_fields: ClassVar[tuple[str, ...]] = ()
    """The fields with explicit weights, which may take megabytes."""

    @property
    def version_needed(self) -> int:
        """The first specification version that supports the type with this layer's options."""
        return self.min_version

    @classmethod
    def proto_kind(cls) -> str:
        """The key that identifies the type in a file: its `proto_path`, except for types that share a path."""
        return cls.proto_path

    @property
    def input_names(self) -> tuple[str, ...]:
        """The layer's input blobs; empty until they are inferred."""
        return _names(self.input)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The layer's output blobs; empty until they are inferred."""
        return _names(self.output)

    def with_blobs(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Self:
        """This layer with its blob names filled in."""
        return self.model_copy(update={"input": one_or_all(inputs), "output": one_or_all(outputs)})

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:  # noqa: ARG002 - some types take any shape
        """The layer's faults for inputs of these shapes; their number is within `input_count`."""
        yield from ()

    @abstractmethod
    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The shapes of the output blobs for inputs without `faults`."""

    def completed(self, inputs: tuple[Shape, ...]) -> Self:  # noqa: ARG002 - for types that infer a field from shapes
        """This layer with every field filled in that depends on its inputs' shapes."""
        return self

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:  # noqa: ARG002 - most have no weights
        """The shapes of the layer's weights in the order of the file, by name."""
        return {}

    @abstractmethod
    def write(self, message: Message) -> None:
        """Write the layer's fields, except the weights, into the message at `proto_path`."""

    @classmethod
    @abstractmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The layer's own fields of the spec language, from the message at `proto_path`.

        Raises:
            ValueError: The spec language does not support a setting of the message; the text names the setting.
        """

    def weight_message(self, message: Message, key: str) -> Message:
        """The `WeightParams` of the weights called `key` in `weight_shapes`, from the message at `proto_path`."""
        return getattr(message, key)


class ShapeKeeping(Layer):
    """A layer whose output has the shape of its input."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The input's shape."""
        return inputs[:1]


class Bare(ShapeKeeping):
    """A layer without additional fields."""

    def write(self, message: Message) -> None:
        """Write nothing: the presence of the message is enough."""

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:  # noqa: ARG003 - the message has no fields
        """Return no fields: the message has none."""
        return {}


def one_or_all(names: tuple[str, ...]) -> str | tuple[str, ...]:
    """A single name as a text, several names as a tuple."""
    return names[0] if len(names) == 1 else names


def _names(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value
