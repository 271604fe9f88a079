"""Crop: a part of height and width."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message
from pippin.models.spec.values import Border, Shape
from pippin.models.spec.windows import Borders, read_borders, write_borders


class Crop(Layer):
    """`CropLayerParams` (version 1): [..., C, H, W] to [..., C, H', W'].

    With one input, `borders` are cut off. With a second, [..., C2, H', W'], the part that begins at `offset` is as high
    and wide as that; its numbers and channels do not matter.
    """

    type: Literal["crop"] = "crop"
    borders: Borders | None = Field(
        default=None, description="[[top, bottom], [left, right]] to cut off: needed with one input, ignored with two."
    )
    offset: tuple[Border, Border] | None = Field(
        default=None, description="[rows above, columns to the left]: needed with two inputs, ignored with one."
    )

    proto_path: ClassVar[str] = "crop"
    inputs_taken: ClassVar[tuple[int, int]] = (1, 2)
    least_rank: ClassVar[int] = 3

    def kept(self, inputs: tuple[Shape, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
        """((first row, the row after the last), the same of columns) that are left of the first of `inputs`."""
        size = inputs[0][-2:]
        if len(inputs) == 1:
            assert self.borders is not None
            (top, bottom), (left, right) = self.borders
            return (top, size[0] - bottom), (left, size[1] - right)
        assert self.offset is not None
        row, column = self.offset
        return (row, row + inputs[1][-2]), (column, column + inputs[1][-1])

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """A crop that nothing describes, that leaves nothing, or that reaches beyond the input."""
        field = "borders" if len(inputs) == 1 else "offset"
        if getattr(self, field) is None:
            form = "[[top, bottom], [left, right]]" if field == "borders" else "[height, width]"
            yield Fault(f"/{field}", f"is required with {len(inputs)} input{'s' * (len(inputs) - 1)}: {form}")
            return
        if len({len(shape) for shape in inputs}) > 1:
            yield Fault(
                "/input/1", f"found a blob of rank {len(inputs[1])}; needs rank {len(inputs[0])}, the first one's"
            )
            return
        for axis, (first, last) in enumerate(self.kept(inputs)):
            name, size = ("rows", "columns")[axis], inputs[0][axis - 2]
            if last <= first:
                yield Fault(
                    f"/borders/{axis}",
                    f"found {first} and {size - last}; of the input's {size} {name} one or more must be left",
                )
            elif last > size:
                yield Fault(
                    f"/offset/{axis}",
                    f"found {first}; with the second input's {last - first} {name} it is {last}, the first has {size}",
                )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., C, H', W')."""
        return ((*inputs[0][:-2], *(last - first for first, last in self.kept(inputs))),)

    def write(self, message: Message) -> None:
        """Write what is given of the two."""
        if self.borders is not None:
            write_borders(self.borders, message.cropAmounts)
        message.offset.extend(self.offset or ())

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """What is there of the two."""
        return {
            "borders": read_borders(message.cropAmounts) if message.cropAmounts.borderAmounts else None,
            "offset": list(message.offset) or None,
        }
