"""Softmax: a vector of numbers becomes a distribution."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pippin.faults import Fault
from pippin.spec.layer import Message, OneToOne
from pippin.spec.values import Shape


class Softmax(OneToOne):
    """`SoftmaxLayerParams`: exp(x) / sum(exp(x)) over a vector."""

    type: Literal["softmax"] = "softmax"

    proto_path: ClassVar[str] = "softmax"

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Refuses anything but a vector: on other blobs the runtime's axis is not the documented one."""
        if len(inputs[0]) != 1:
            yield Fault("/input", f"found a blob of shape {list(inputs[0])}; softmax needs a vector: flatten first")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The input's own shape."""
        return inputs

    def write(self, message: Message) -> None:
        """Nothing: the message's being there says it all."""

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:  # noqa: ARG003 - the message has no fields
        """Nothing: the message has no fields."""
        return {}
