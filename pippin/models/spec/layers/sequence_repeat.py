"""Repetition of a sequence."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Layer, Message
from pippin.models.spec.values import Dimension, Shape


class SequenceRepeat(Layer):
    """`SequenceRepeatLayerParams` (version 1): [Seq, B, C, H, W] to [n_repetitions·Seq, B, C, H, W]."""

    type: Literal["sequence_repeat"] = "sequence_repeat"
    n_repetitions: Dimension = Field(default=1, description="How often the whole sequence follows itself.")

    proto_path: ClassVar[str] = "sequenceRepeat"
    least_rank: ClassVar[int] = 5

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(n_repetitions·Seq, B, C, H, W)."""
        sequence, *rest = inputs[0]
        return ((self.n_repetitions * sequence, *rest),)

    def write(self, message: Message) -> None:
        """Write the number of repetitions."""
        message.nRepetitions = self.n_repetitions

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The number of repetitions; 0 is 1."""
        return {"n_repetitions": message.nRepetitions or 1}
