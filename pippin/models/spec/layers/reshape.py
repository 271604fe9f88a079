"""Reshape: as many numbers in another shape."""

from collections.abc import Iterator
from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message, name_of
from pippin.models.spec.shapes import image_of, said
from pippin.models.spec.values import Dimension, Shape

# The numbers of `ReshapeLayerParams.ReshapeOrder`.
_ORDERS = {"channel_first": 0, "channel_last": 1}


class Reshape(Layer):
    """`ReshapeLayerParams` (version 1): [Seq, B, C, H, W] to [Seq', B, C', H', W'] with as many numbers."""

    type: Literal["reshape"] = "reshape"
    target_shape: tuple[Dimension, ...] = Field(
        min_length=3, max_length=4, description="[C, H, W], which keeps the sequence's length, or [Seq, C, H, W]."
    )
    mode: Literal["channel_first", "channel_last"] = Field(
        default="channel_first",
        description="channel_first goes through the numbers in the order C, H, W; channel_last in the order H, W, C.",
    )

    proto_path: ClassVar[str] = "reshape"
    least_rank: ClassVar[int] = 5

    def target(self, sequence: int) -> tuple[int, int, int, int]:
        """(Seq', C', H', W') of an input with a sequence of this length."""
        channels, height, width = image_of(self.target_shape)
        return self.target_shape[0] if len(self.target_shape) == 4 else sequence, channels, height, width

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Another number of numbers."""
        shape = inputs[0]
        found, needed = prod(self.target(shape[0])), shape[0] * prod(image_of(shape))
        if found != needed:
            yield Fault(
                "/target_shape",
                f"found {list(self.target_shape)}, which makes {found} numbers of a blob of shape {said(shape)}; "
                f"needs as many as it has, {needed}",
            )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(Seq', B, C', H', W')."""
        sequence, batch, *_ = inputs[0]
        made, *image = self.target(sequence)
        return ((made, batch, *image),)

    def write(self, message: Message) -> None:
        """Write the shape and the order."""
        message.targetShape.extend(self.target_shape)
        message.mode = _ORDERS[self.mode]

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The shape and the order."""
        target = list(message.targetShape)
        if any(length < 1 for length in target):
            raise ValueError(f"found target shape {target}; needs lengths of 1 or more, none left to be inferred")
        return {"target_shape": target, "mode": name_of(message.mode, _ORDERS, "reshape mode")}
