"""Slice: a part of one axis."""

from collections.abc import Iterator
from typing import ClassVar, Final, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import RANK_RULE, Layer, Message, name_of
from pippin.models.spec.shapes import said
from pippin.models.spec.values import Dimension, Shape, Whole

# The numbers of `SliceLayerParams.SliceAxis`.
_AXES = {"channel": 0, "height": 1, "width": 2}

AXES: Final[dict[str, int]] = {"channel": -3, "height": -2, "width": -1}
"""Where each axis stands in a shape."""


class Slice(Layer):
    """`SliceLayerParams` (version 1): [..., C, H, W] to the same with every `stride`-th of a run of one axis.

    A negative index counts from the end: -1 is the last. The proto does not say what an end of 0 is; Apple's own shapes
    (NeuralNetworkShapes.cpp) take it for the end of the axis.
    """

    type: Literal["slice"] = "slice"
    axis: Literal["channel", "height", "width"] = Field(description="The axis that is shortened.")
    start_index: Whole = Field(default=0, description="The first that is taken; negative from the end.")
    end_index: Whole = Field(description="The first that is not; negative from the end, and 0 is the end itself.")
    stride: Dimension = Field(default=1, description="From one that is taken to the next.")

    proto_path: ClassVar[str] = "slice"

    def bounds(self, length: int) -> tuple[int, int]:
        """The first that is taken and the first that is not, on an axis of `length`."""
        start, end = self.start_index, self.end_index
        return start if start >= 0 else length + start, end if end > 0 else length + end

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """An axis that is not there, indices beyond it, and a slice with nothing in it."""
        shape, axis = inputs[0], AXES[self.axis]
        if len(shape) < -axis:
            yield Fault(
                "/axis",
                f"found {self.axis!r} of a blob of shape {said(shape)}, rank {len(shape)}; needs rank {-axis} or more",
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
