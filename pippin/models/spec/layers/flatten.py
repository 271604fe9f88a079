"""Flatten: the last three axes become one."""

from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Layer, Message, name_of
from pippin.models.spec.values import Shape

# The numbers of `FlattenLayerParams.FlattenOrder`.
_ORDERS = {"channel_first": 0, "channel_last": 1}


class Flatten(Layer):
    """`FlattenLayerParams` (version 1): [..., C, H, W] to [..., C·H·W, 1, 1]; a vector stays as it is."""

    type: Literal["flatten"] = "flatten"
    mode: Literal["channel_first", "channel_last"] = Field(
        default="channel_last", description="channel_first keeps the order C, H, W; channel_last makes it H, W, C."
    )

    proto_path: ClassVar[str] = "flatten"
    least_rank: ClassVar[int] = 3
    passes_gradient: ClassVar[bool] = True

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """As many numbers, all of them channels."""
        return ((*inputs[0][:-3], prod(inputs[0][-3:]), 1, 1),)

    def write(self, message: Message) -> None:
        """Write the order."""
        message.mode = _ORDERS[self.mode]

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The order."""
        return {"mode": name_of(message.mode, _ORDERS, "flatten mode")}
