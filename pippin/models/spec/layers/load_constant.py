"""A constant: a blob that is the same for every example."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Message
from pippin.models.spec.values import Dimension, Shape
from pippin.models.spec.weighted import Parametric


class LoadConstant(Parametric):
    """`LoadConstantLayerParams` (version 1): nothing to [1, 1, C, H, W], whatever the mapping of the inputs."""

    type: Literal["load_constant"] = "load_constant"
    shape: tuple[Dimension, Dimension, Dimension] = Field(description="[C, H, W]")
    data: list[object] | None = Field(
        default=None, repr=False, description="The numbers: nested lists of that shape; zeros when left out."
    )

    proto_path: ClassVar[str] = "loadConstant"
    inputs_taken: ClassVar[tuple[int, int]] = (0, 0)
    array_fields: ClassVar[tuple[str, ...]] = ("data",)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:  # noqa: ARG002 - there are none
        """(1, 1, C, H, W)."""
        return ((1, 1, *self.shape),)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:  # noqa: ARG002 - there are none
        """`data`."""
        return {"data": self.shape}

    def filled_with(self, key: str) -> float | None:  # noqa: ARG002 - there is one array
        """Zeros."""
        return 0.0

    def write(self, message: Message) -> None:
        """Write the shape."""
        message.shape.extend(self.shape)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The shape."""
        return {"shape": list(message.shape)}
