"""The dot product of two vectors."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message
from pippin.models.spec.shapes import said
from pippin.models.spec.values import Flag, Shape


class Dot(Layer):
    """`DotProductLayerParams` (version 1): [..., C, 1, 1] twice to [..., 1, 1, 1]."""

    type: Literal["dot"] = "dot"
    cosine_similarity: Flag = Field(
        default=False, description="Whether the vectors are divided by their lengths first, which gives their cosine."
    )

    proto_path: ClassVar[str] = "dot"
    inputs_taken: ClassVar[tuple[int, int]] = (2, 2)
    least_rank: ClassVar[int] = 3

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Blobs that are no vectors, or two of different shapes."""
        for index, shape in enumerate(inputs):
            if shape[-2:] != (1, 1):
                yield Fault(f"/input/{index}", f"found a blob of shape {said(shape)}; needs a vector: flatten first")
        if inputs[0] != inputs[1]:
            yield Fault(
                "/input/1", f"found a blob of shape {said(inputs[1])}; needs that of the first, {said(inputs[0])}"
            )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """One number a vector."""
        return ((*inputs[0][:-3], 1, 1, 1),)

    def write(self, message: Message) -> None:
        """Write the flag."""
        message.cosineSimilarity = self.cosine_similarity

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The flag."""
        return {"cosine_similarity": message.cosineSimilarity}
