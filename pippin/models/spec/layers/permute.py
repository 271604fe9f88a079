"""Permute: the axes in another order."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message
from pippin.models.spec.values import Shape

_Axis = Annotated[int, Field(strict=True, ge=0, le=3)]

# Where sequence, C, H and W stand in a shape; the axis of the batch stays where it is.
_PLACES = (0, 2, 3, 4)


class Permute(Layer):
    """`PermuteLayerParams` (version 1): [Seq, B, C, H, W] to the same with all but B in another order.

    Axis k of the output is axis `axis[k]` of the input, both counted without B: [0, 3, 1, 2] makes [Seq, B, W, C, H].
    """

    type: Literal["permute"] = "permute"
    axis: tuple[_Axis, _Axis, _Axis, _Axis] = Field(
        description="[first, second, third, fourth]: the input's axes in their new order, each of 0 Seq, 1 C, 2 H and "
        "3 W once."
    )

    proto_path: ClassVar[str] = "permute"
    least_rank: ClassVar[int] = 5

    @property
    def order(self) -> tuple[int, int, int, int, int]:
        """Which axis of the input's shape comes to stand at each place of the output's."""
        sequence, channels, height, width = (_PLACES[axis] for axis in self.axis)
        return sequence, 1, channels, height, width

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:  # noqa: ARG002 - any shape of the rank will do
        """An axis that stands there twice."""
        if len(set(self.axis)) < 4:
            yield Fault("/axis", f"found {list(self.axis)}; needs each of 0, 1, 2 and 3 once")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The input's lengths in the new order."""
        return (tuple(inputs[0][place] for place in self.order),)

    def write(self, message: Message) -> None:
        """Write the order."""
        message.axis.extend(self.axis)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The order, which a file must state. Source: NeuralNetworkLayerValidator.cpp, `validatePermuteLayer`."""
        return {"axis": list(message.axis)}
