"""Embedding: a row of numbers for each whole number."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Message
from pippin.models.spec.shapes import said
from pippin.models.spec.values import Channels, Shape
from pippin.models.spec.weighted import Weighted


class Embedding(Weighted):
    """`EmbeddingLayerParams` (version 1): [..., 1, 1, 1] to [..., output_channels, 1, 1].

    Weights are [output_channels, input_dim], the bias is [output_channels]. The input's numbers are whole, from 0 to
    `input_dim` - 1, and each stands for a column of the weights. Any other is refused with its row: in the dataset of a
    job, in a prediction and in an evaluation.
    """

    type: Literal["embedding"] = "embedding"
    input_dim: Channels = Field(description="How many whole numbers there are rows for.")
    output_channels: Channels = Field(description="How many numbers stand for each.")

    proto_path: ClassVar[str] = "embedding"
    least_rank: ClassVar[int] = 4

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.output_channels

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:  # noqa: ARG002 - no input's shape decides it
        """(output_channels, input_dim)."""
        return (self.output_channels, self.input_dim)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """More than one number at a place."""
        if inputs[0][-3:] != (1, 1, 1):
            yield Fault(
                "/input", f"found a blob of shape {said(inputs[0])}; needs one number at a place, C, H and W being 1"
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
