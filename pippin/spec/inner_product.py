"""The inner product: a fully connected layer."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field

from pippin.faults import Fault
from pippin.spec.layer import Message
from pippin.spec.values import Channels, Shape
from pippin.spec.weighted import Weighted


class InnerProduct(Weighted):
    """`InnerProductLayerParams`: [C] to [output_channels]. Weights are [output_channels, C]."""

    type: Literal["inner_product"] = "inner_product"
    output_channels: Channels
    input_channels: int | None = Field(default=None, strict=True, ge=1, le=2**31, description="Inferred when left out.")

    proto_path: ClassVar[str] = "innerProduct"

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(output_channels, C)."""
        return (self.output_channels, inputs[0][0])

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """A blob with height or width: with RANK5 arrays the layer maps channels, and only where H = W = 1."""
        shape = inputs[0]
        if any(extent != 1 for extent in shape[1:]):
            yield Fault(
                "/input", f"found a blob of shape {list(shape)}; an inner product needs a vector: flatten first"
            )
            return
        if self.input_channels not in (None, shape[0]):
            yield Fault("/input_channels", f"found {self.input_channels}; the input has {shape[0]}")
        yield from super().faults(inputs)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:  # noqa: ARG002 - they never matter
        """(output_channels,)."""
        return ((self.output_channels,),)

    def output_shapes_of_anything(self) -> tuple[Shape, ...]:
        """(output_channels,), whatever goes in."""
        return ((self.output_channels,),)

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Fills in `input_channels`."""
        return self.model_copy(update={"input_channels": inputs[0][0]})

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
