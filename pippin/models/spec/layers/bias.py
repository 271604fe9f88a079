"""A bias of its own: something added to each number."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.shapes import image_of
from pippin.models.spec.values import Dimension, Shape
from pippin.models.spec.weighted import Parametric

Repeated = Annotated[tuple[Dimension, ...], Field(min_length=1, max_length=3)]
"""The shape of an array that is repeated to that of the input: [1], [C], [1, H, W] or [C, H, W]."""


class Bias(Parametric, ShapeKeeping):
    """`BiasLayerParams` (version 1): x + bias for each number of [..., C, H, W]."""

    type: Literal["bias"] = "bias"
    shape: Repeated = Field(description="Of the bias: [1], [C], [1, H, W] or [C, H, W].")
    bias: list[object] | None = Field(
        default=None, repr=False, description="What is added: nested lists of that shape; zeros when left out."
    )

    proto_path: ClassVar[str] = "bias"
    least_rank: ClassVar[int] = 3
    array_fields: ClassVar[tuple[str, ...]] = ("bias",)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:  # noqa: ARG002 - stated, not inferred
        """`bias`."""
        return {"bias": self.shape}

    def filled_with(self, key: str) -> float | None:  # noqa: ARG002 - there is one array
        """Zeros."""
        return 0.0

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """A shape that cannot be repeated to that of the input."""
        yield from unrepeatable("/shape", self.shape, inputs[0])
        yield from super().faults(inputs)

    def write(self, message: Message) -> None:
        """Write the shape."""
        message.shape.extend(self.shape)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The shape."""
        return {"shape": list(message.shape)}


def unrepeatable(pointer: str, shape: Shape, blob: Shape) -> Iterator[Fault]:
    """Why an array of `shape` does not go with each number of a blob (..., C, H, W)."""
    channels, height, width = image_of(blob)
    fitting = dict.fromkeys(((1,), (channels,), (1, height, width), (channels, height, width)))
    if shape not in fitting:
        needed = " or ".join(str(list(fit)) for fit in fitting)
        yield Fault(pointer, f"found {list(shape)}; the input needs {needed}")
