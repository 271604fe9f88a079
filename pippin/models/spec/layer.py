"""What every layer type says about itself."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.values import Flag, Name, Shape, Value

# The classes that protoc generates publish no types, and this package imports none of them: a layer writes into
# whatever has the fields of its proto message.
Message = Any

RANK_RULE: Final = "layers.rank"
"""A blob has the rank that a layer needs. Source: `validateRankCount` of NeuralNetworkValidatorUtils.hpp."""


def name_of(number: int, names: Mapping[str, int], what: str) -> str:
    """The name that the spec language gives to a number of an enumeration in the file.

    Raises:
        ValueError: It gives none.
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
        default=None, description="The blobs it reads; left out, what the layer before makes."
    )
    output: Name | tuple[Name, ...] | None = Field(
        default=None,
        description="The blobs it makes; left out, the layer's own name, or for the last the model's only output.",
    )
    updatable: Flag = Field(default=False, description="Whether training changes the layer's weights.")

    summary: ClassVar[str]
    """What the type does, in one line."""
    proto_path: ClassVar[str]
    """Where the layer's parameters stand in `NeuralNetworkLayer`, such as `convolution` or `activation.ReLU`."""
    input_count: ClassVar[tuple[int, int]] = (1, 1)
    """The least and the most blobs that it reads."""
    output_count: ClassVar[tuple[int, int]] = (1, 1)
    """The least and the most blobs that it makes."""
    min_rank: ClassVar[int] = 1
    """The least rank of what it reads."""
    min_version: ClassVar[int] = 1
    """The specification version that the type came with."""
    newer_option: ClassVar[str] = ""
    """The field that may need a later version than the type; empty where none does."""
    trainable: ClassVar[bool] = False
    """Whether Core ML can train the type at all."""
    passes_gradient: ClassVar[bool] = False
    """Whether Core ML lets the type stand between the loss and an updatable layer."""
    array_fields: ClassVar[tuple[str, ...]] = ()
    """The fields that hold explicit weights, which may be megabytes."""

    @property
    def version_needed(self) -> int:
        """The specification version that has the type with all that this layer asks of it."""
        return self.min_version

    @classmethod
    def proto_kind(cls) -> str:
        """What tells the type apart in a file; its `proto_path`, but for types that share one."""
        return cls.proto_path

    @property
    def input_names(self) -> tuple[str, ...]:
        """The blobs that the layer reads; empty while they are left to be inferred."""
        return _names(self.input)

    @property
    def output_names(self) -> tuple[str, ...]:
        """The blobs that the layer makes; empty while they are left to be inferred."""
        return _names(self.output)

    def wired(self, inputs: tuple[str, ...], outputs: tuple[str, ...]) -> Self:
        """This layer with its blobs' names filled in."""
        return self.model_copy(update={"input": one_or_all(inputs), "output": one_or_all(outputs)})

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:  # noqa: ARG002 - some types take any shape
        """What keeps the layer from working on inputs of these shapes, of which there are as many as it takes."""
        yield from ()

    @abstractmethod
    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The shapes of what the layer makes of inputs that it has no fault to find with."""

    def completed(self, inputs: tuple[Shape, ...]) -> Self:  # noqa: ARG002 - for types that infer a field from shapes
        """This layer with every field filled in that its inputs' shapes decide."""
        return self

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:  # noqa: ARG002 - most have no weights
        """The shapes of the layer's weights in the order of the file, by name."""
        return {}

    @abstractmethod
    def write(self, message: Message) -> None:
        """Write the layer's fields, all but the weights themselves, into the message at `proto_path`."""

    @classmethod
    @abstractmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The layer's own fields of the spec language, from the message at `proto_path`.

        Raises:
            ValueError: The message asks for something that the spec language does not have; the text says what.
        """

    def weight_message(self, message: Message, key: str) -> Message:
        """The `WeightParams` of the weights called `key` in `weight_shapes`, from the message at `proto_path`."""
        return getattr(message, key)


class ShapeKeeping(Layer):
    """A layer whose output has the shape of its input."""

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The input's own shape."""
        return inputs[:1]


class Bare(ShapeKeeping):
    """A layer without fields of its own."""

    def write(self, message: Message) -> None:
        """Nothing: the message's being there says it all."""

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:  # noqa: ARG003 - the message has no fields
        """Nothing: the message has no fields."""
        return {}


def one_or_all(names: tuple[str, ...]) -> str | tuple[str, ...]:
    """A single name by itself, as people write it; several as they are."""
    return names[0] if len(names) == 1 else names


def _names(value: str | tuple[str, ...] | None) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else value
