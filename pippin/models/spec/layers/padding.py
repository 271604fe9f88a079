"""Padding: rows and columns added around an image."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message
from pippin.models.spec.values import Shape, Single
from pippin.models.spec.windows import Borders, read_borders, write_borders


class Padding(Layer):
    """`PaddingLayerParams` (version 1): [..., H, W] to [..., top + H + bottom, left + W + right]."""

    type: Literal["padding"] = "padding"
    padding_type: Literal["constant", "reflection", "replication"] = Field(
        default="constant",
        description="constant fills with `value`, reflection mirrors at the outermost cells, replication repeats them.",
    )
    value: Single = Field(default=0.0, description="What constant fills with.")
    borders: Borders = Field(description="[[top, bottom], [left, right]]")

    proto_path: ClassVar[str] = "padding"
    least_rank: ClassVar[int] = 2

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """A value that fills nothing, and reflections that reach beyond the image's other side."""
        if self.padding_type == "constant":
            return
        if self.value:
            yield Fault("/value", f"found {self.value}, which {self.padding_type} does not use; leave it out")
        if self.padding_type == "reflection":
            for axis, (name, size) in enumerate(zip(("high", "wide"), inputs[0][-2:], strict=True)):
                if max(self.borders[axis]) >= size:
                    yield Fault(
                        f"/borders/{axis}",
                        f"found {list(self.borders[axis])}; an input {size} {name} reflects less than that",
                    )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., top + H + bottom, left + W + right)."""
        *front, height, width = inputs[0]
        return ((*front, height + sum(self.borders[0]), width + sum(self.borders[1])),)

    def write(self, message: Message) -> None:
        """Write every field."""
        kind = getattr(message, self.padding_type)
        kind.SetInParent()
        if self.padding_type == "constant":
            kind.value = self.value
        write_borders(self.borders, message.paddingAmounts)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; borders that are left out are none."""
        kind = message.WhichOneof("PaddingType")
        if kind is None:
            raise ValueError("found no padding type; needs constant, reflection or replication")
        return {
            "padding_type": kind,
            "value": message.constant.value if kind == "constant" else 0.0,
            "borders": read_borders(message.paddingAmounts),
        }
