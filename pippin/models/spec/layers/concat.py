"""Concatenation: blobs one behind the other."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import RANK_RULE, Layer, Message
from pippin.models.spec.shapes import said
from pippin.models.spec.values import Flag, Shape


class Concat(Layer):
    """`ConcatLayerParams` (version 1): [..., C1, H, W], [..., C2, H, W], ... to [..., C1 + C2 + ..., H, W].

    Along the sequence it is [Seq1, B, C, H, W], [Seq2, B, C, H, W], ... to [Seq1 + Seq2 + ..., B, C, H, W].
    """

    type: Literal["concat"] = "concat"
    sequence_concat: Flag = Field(
        default=False, description="Whether the blobs follow each other along the sequence instead of the channels."
    )

    proto_path: ClassVar[str] = "concat"
    inputs_taken: ClassVar[tuple[int, int]] = (2, 1000)
    least_rank: ClassVar[int] = 3

    @property
    def axis(self) -> int:
        """The axis along which the blobs follow each other."""
        return -5 if self.sequence_concat else -3

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Blobs that differ elsewhere than along the axis, or that have no sequence."""
        first = inputs[0]
        if len(first) < -self.axis:
            yield Fault(
                "/sequence_concat",
                f"found true for blobs of rank {len(first)}; a sequence is an axis of blobs of rank 5",
                RANK_RULE,
            )
            return
        along = "sequence" if self.sequence_concat else "channels"
        for place, shape in enumerate(inputs):
            if _others(shape, self.axis) != _others(first, self.axis):
                yield Fault(
                    f"/input/{place}",
                    f"found a blob of shape {said(shape)}; of one of {said(first)} only the {along} may differ",
                )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The inputs' shape with the sum of their lengths along the axis."""
        shape = list(inputs[0])
        shape[self.axis] = sum(each[self.axis] for each in inputs)
        return (tuple(shape),)

    def write(self, message: Message) -> None:
        """Write the axis."""
        message.sequenceConcat = self.sequence_concat

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The axis."""
        return {"sequence_concat": message.sequenceConcat}


def _others(shape: Shape, axis: int) -> tuple[Shape, Shape]:
    """The lengths before and behind the axis, one of the last five."""
    return shape[:axis], shape[len(shape) + axis + 1 :]
