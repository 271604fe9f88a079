"""Flatten: a [C, H, W] blob becomes a vector."""

from math import prod
from typing import ClassVar, Literal

from pydantic import Field

from pippin.spec.layer import Message, OneToOne, name_of
from pippin.spec.values import Shape

# The numbers of `FlattenLayerParams.FlattenOrder`.
_ORDERS = {"channel_first": 0, "channel_last": 1}


class Flatten(OneToOne):
    """`FlattenLayerParams`: [C, H, W] to [C·H·W]; a vector stays as it is."""

    type: Literal["flatten"] = "flatten"
    mode: Literal["channel_first", "channel_last"] = Field(
        default="channel_last", description="channel_first keeps the order C, H, W; channel_last makes it H, W, C."
    )

    proto_path: ClassVar[str] = "flatten"
    passes_gradient: ClassVar[bool] = True

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """One vector of as many numbers."""
        return ((prod(inputs[0]),),)

    def write(self, message: Message) -> None:
        """Write the order."""
        message.mode = _ORDERS[self.mode]

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The order."""
        return {"mode": name_of(message.mode, _ORDERS, "flatten mode")}
