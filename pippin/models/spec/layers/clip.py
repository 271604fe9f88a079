"""Clip: each number moved into an interval."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.values import Shape, Single, single


class Clip(ShapeKeeping):
    """`ClipLayerParams` (version 4): min(max(x, min_val), max_val) for each number."""

    type: Literal["clip"] = "clip"
    min_val: Single = Field(description="The least number that comes out.")
    max_val: Single = Field(description="The greatest number that comes out.")

    proto_path: ClassVar[str] = "clip"
    least_version: ClassVar[int] = 4

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:  # noqa: ARG002 - it takes any shape
        """An interval that holds nothing."""
        if self.min_val > self.max_val:
            yield Fault("/min_val", f"found {self.min_val} above max_val {self.max_val}; needs no more than that")

    def write(self, message: Message) -> None:
        """Write both ends."""
        message.minVal, message.maxVal = self.min_val, self.max_val

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Both ends."""
        return {"min_val": single(message.minVal), "max_val": single(message.maxVal)}
