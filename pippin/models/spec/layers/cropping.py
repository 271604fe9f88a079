"""Crop, pad and slice: layers that cut a blob or add borders."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import RANK_RULE, Layer, Message, name_of
from pippin.models.spec.shapes import shape_text
from pippin.models.spec.values import Border, Dimension, Shape, Single, Whole
from pippin.models.spec.windows import Borders, read_borders, write_borders


class Crop(Layer):
    """`CropLayerParams` (version 1): [..., C, H, W] to [..., C, H', W'].

    With one input, `borders` are cut off. With a second input, [..., C2, H', W'], the result begins at `offset` and has
    the second input's height and width; the second input's values and channels are ignored.
    """

    type: Literal["crop"] = "crop"
    borders: Borders | None = Field(
        default=None,
        description="[[top, bottom], [left, right]] to cut off: required with one input, ignored with two.",
    )
    offset: tuple[Border, Border] | None = Field(
        default=None, description="[rows above, columns to the left]: required with two inputs, ignored with one."
    )

    summary: ClassVar[str] = "Crop: a part of height and width."
    proto_path: ClassVar[str] = "crop"
    input_count: ClassVar[tuple[int, int]] = (1, 2)
    min_rank: ClassVar[int] = 3

    def kept(self, inputs: tuple[Shape, ...]) -> tuple[tuple[int, int], tuple[int, int]]:
        """The part of the first input that is kept: ((first row, row after the last), the same for columns)."""
        size = inputs[0][-2:]
        if len(inputs) == 1:
            assert self.borders is not None
            (top, bottom), (left, right) = self.borders
            return (top, size[0] - bottom), (left, size[1] - right)
        assert self.offset is not None
        row, column = self.offset
        return (row, row + inputs[1][-2]), (column, column + inputs[1][-1])

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for a crop that is undefined, empty, or outside the input."""
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
        """Write `borders` and `offset`, if they are given."""
        if self.borders is not None:
            write_borders(self.borders, message.cropAmounts)
        message.offset.extend(self.offset or ())

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """`borders` and `offset`, if they are set."""
        return {
            "borders": read_borders(message.cropAmounts) if message.cropAmounts.borderAmounts else None,
            "offset": list(message.offset) or None,
        }


class Padding(Layer):
    """`PaddingLayerParams` (version 1): [..., H, W] to [..., top + H + bottom, left + W + right]."""

    type: Literal["padding"] = "padding"
    padding_type: Literal["constant", "reflection", "replication"] = Field(
        default="constant",
        description="constant fills with `value`, reflection mirrors at the outermost cells, replication repeats them.",
    )
    value: Single = Field(default=0.0, description="The value for constant padding.")
    borders: Borders = Field(description="[[top, bottom], [left, right]]")

    summary: ClassVar[str] = "Padding: rows and columns added around an image."
    proto_path: ClassVar[str] = "padding"
    min_rank: ClassVar[int] = 2

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for an unused value, and for reflections that are larger than the image."""
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
        """The fields; missing borders are 0."""
        kind = message.WhichOneof("PaddingType")
        if kind is None:
            raise ValueError("found no padding type; needs constant, reflection or replication")
        return {
            "padding_type": kind,
            "value": message.constant.value if kind == "constant" else 0.0,
            "borders": read_borders(message.paddingAmounts),
        }


# Enum values of `SliceLayerParams.SliceAxis`.
_AXES = {"channel": 0, "height": 1, "width": 2}

AXES: Final[dict[str, int]] = {"channel": -3, "height": -2, "width": -1}
"""The position of each axis in a shape."""


class Slice(Layer):
    """`SliceLayerParams` (version 1): [..., C, H, W] to the same with every `stride`-th index of a range of one axis.

    A negative index counts from the end: -1 is the last. The proto does not define an end of 0; Apple's shape inference
    (NeuralNetworkShapes.cpp) treats it as the end of the axis.
    """

    type: Literal["slice"] = "slice"
    axis: Literal["channel", "height", "width"] = Field(description="The axis to slice.")
    start_index: Whole = Field(default=0, description="The first index; negative from the end.")
    end_index: Whole = Field(
        description="The index after the last one; negative from the end, and 0 is the end itself."
    )
    stride: Dimension = Field(default=1, description="Step between indices.")

    summary: ClassVar[str] = "Slice: a part of one axis."
    proto_path: ClassVar[str] = "slice"

    def bounds(self, length: int) -> tuple[int, int]:
        """The range [start, end) on an axis of `length`, as non-negative indices."""
        start, end = self.start_index, self.end_index
        return start if start >= 0 else length + start, end if end > 0 else length + end

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for a missing axis, indices outside the axis, and an empty slice."""
        shape, axis = inputs[0], AXES[self.axis]
        if len(shape) < -axis:
            yield Fault(
                "/axis",
                f"found {self.axis!r} of a blob of shape {shape_text(shape)}, rank {len(shape)}; "
                f"needs rank {-axis} or more",
                RANK_RULE,
            )
            return
        length = shape[axis]
        start, end = self.bounds(length)
        if not 0 <= start < length:
            yield Fault("/start_index", f"found {self.start_index}; the axis has {length}")
        elif not 0 < end <= length:
            yield Fault("/end_index", f"found {self.end_index}; the axis has {length}")
        elif end <= start:
            yield Fault("/end_index", f"found {self.end_index}; it must come after where the slice starts, at {start}")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The input's shape with the axis shortened."""
        shape, axis = list(inputs[0]), AXES[self.axis]
        start, end = self.bounds(shape[axis])
        shape[axis] = -((start - end) // self.stride)
        return (tuple(shape),)

    def write(self, message: Message) -> None:
        """Write every field."""
        message.axis = _AXES[self.axis]
        message.startIndex = self.start_index
        message.endIndex = self.end_index
        message.stride = self.stride

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        return {
            "axis": name_of(message.axis, _AXES, "slice axis"),
            "start_index": message.startIndex,
            "end_index": message.endIndex,
            "stride": message.stride,
        }
