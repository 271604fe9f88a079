"""Inner product and embedding: a matrix product with each vector, or a lookup of matrix rows."""

from collections.abc import Iterator
from math import prod
from typing import ClassVar, Final, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Message
from pippin.models.spec.shapes import shape_text
from pippin.models.spec.values import Channels, Shape
from pippin.models.spec.weighted import Weighted

MAX_CHANNELS: Final = 2**31


class InnerProduct(Weighted):
    """`InnerProductLayerParams` (version 1): [C] to [output_channels]. Weights are [output_channels, C].

    For a blob of rank 1, 2 or 3 the layer maps the last axis. For a blob of rank 4 or 5 it maps the last three axes,
    flattened in the order C, H, W, to (output_channels, 1, 1).
    """

    type: Literal["inner_product"] = "inner_product"
    output_channels: Channels = Field(description="Number of outputs.")
    input_channels: int | None = Field(default=None, strict=True, ge=1, le=2**31, description="Default: inferred.")

    summary: ClassVar[str] = "Inner product: a fully connected layer."
    proto_path: ClassVar[str] = "innerProduct"
    trainable: ClassVar[bool] = True
    passes_gradient: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.output_channels

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(output_channels, C)."""
        return (self.output_channels, mapped(inputs[0]))

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for a number of inputs that is too large or differs from `input_channels`."""
        expected = mapped(inputs[0])
        if expected > MAX_CHANNELS:
            yield Fault(
                "/input", f"found a blob of shape {shape_text(inputs[0])}; needs at most {MAX_CHANNELS} numbers"
            )
            return
        if self.input_channels not in (None, expected):
            yield Fault("/input_channels", f"found {self.input_channels}; the input has {expected}")
        yield from super().faults(inputs)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., output_channels), or (..., output_channels, 1, 1) from rank 4 on."""
        shape = inputs[0]
        if len(shape) < 4:
            return ((*shape[:-1], self.output_channels),)
        return ((*shape[:-3], self.output_channels, 1, 1),)

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Fills in `input_channels`."""
        return self.model_copy(update={"input_channels": mapped(inputs[0])})

    def write(self, message: Message) -> None:
        """Write every field."""
        message.inputChannels = self.input_channels
        message.outputChannels = self.output_channels
        message.hasBias = self.has_bias

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        if message.int8DynamicQuantize:
            raise ValueError("found an inner product that quantises its input; Pippin trains with float32")
        return {
            "input_channels": message.inputChannels,
            "output_channels": message.outputChannels,
            "has_bias": message.hasBias,
        }


def mapped(shape: Shape) -> int:
    """The number of inputs of each output, for a blob of `shape`."""
    return shape[-1] if len(shape) < 4 else prod(shape[-3:])


class Embedding(Weighted):
    """`EmbeddingLayerParams` (version 1): [..., 1, 1, 1] to [..., output_channels, 1, 1].

    Weights are [output_channels, input_dim], the bias is [output_channels]. The input's numbers are integers from 0 to
    `input_dim` - 1, and each selects a column of the weights. Other numbers are refused with their row: in the dataset
    of a job, in a prediction and in an evaluation.
    """

    type: Literal["embedding"] = "embedding"
    input_dim: Channels = Field(description="Number of rows: indices are 0 to this number minus 1.")
    output_channels: Channels = Field(description="Number of values in a row.")

    summary: ClassVar[str] = "Embedding: a row of numbers for each whole number."
    proto_path: ClassVar[str] = "embedding"
    min_rank: ClassVar[int] = 4

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.output_channels

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:  # noqa: ARG002 - no input's shape decides it
        """(output_channels, input_dim)."""
        return (self.output_channels, self.input_dim)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """A fault for more than one number per position."""
        if inputs[0][-3:] != (1, 1, 1):
            yield Fault(
                "/input",
                f"found a blob of shape {shape_text(inputs[0])}; needs C, H and W of 1: one index per place",
            )
        yield from super().faults(inputs)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., output_channels, 1, 1)."""
        return ((*inputs[0][:-3], self.output_channels, 1, 1),)

    def write(self, message: Message) -> None:
        """Write every field."""
        message.inputDim = self.input_dim
        message.outputChannels = self.output_channels
        message.hasBias = self.has_bias

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        return {
            "input_dim": message.inputDim,
            "output_channels": message.outputChannels,
            "has_bias": message.hasBias,
        }
