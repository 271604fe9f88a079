"""Bias, scale and constant: layers that apply or output a stored array."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Message, ShapeKeeping
from pippin.models.spec.shapes import image_of
from pippin.models.spec.values import Dimension, Flag, Shape
from pippin.models.spec.weighted import Parametric

Repeated = Annotated[tuple[Dimension, ...], Field(min_length=1, max_length=3)]
"""The shape of an array that is broadcast to the input: [1], [C], [1, H, W] or [C, H, W]."""


class Bias(Parametric, ShapeKeeping):
    """`BiasLayerParams` (version 1): x + bias for each number of [..., C, H, W]."""

    type: Literal["bias"] = "bias"
    shape: Repeated = Field(description="Shape of the bias: [1], [C], [1, H, W] or [C, H, W].")
    bias: list[object] | None = Field(
        default=None, repr=False, description="The summands: nested lists of that shape. Default: zeros."
    )

    summary: ClassVar[str] = "Bias: adds a number to each number."
    proto_path: ClassVar[str] = "bias"
    min_rank: ClassVar[int] = 3
    array_fields: ClassVar[tuple[str, ...]] = ("bias",)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:  # noqa: ARG002 - stated, not inferred
        """`bias`."""
        return {"bias": self.shape}

    def fill_value(self, key: str) -> float | None:  # noqa: ARG002 - there is one array
        """Zeros."""
        return 0.0

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for a shape that does not broadcast to the input."""
        yield from broadcast_faults("/shape", self.shape, inputs[0])
        yield from super().faults(inputs)

    def write(self, message: Message) -> None:
        """Write the shape."""
        message.shape.extend(self.shape)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The shape."""
        return {"shape": list(message.shape)}


def broadcast_faults(pointer: str, shape: Shape, blob: Shape) -> Iterator[Fault]:
    """A fault if `shape` does not broadcast to the shape of a blob (..., C, H, W)."""
    channels, height, width = image_of(blob)
    fitting = dict.fromkeys(((1,), (channels,), (1, height, width), (channels, height, width)))
    if shape not in fitting:
        needed = " or ".join(str(list(fit)) for fit in fitting)
        yield Fault(pointer, f"found {list(shape)}; the input needs {needed}")


class Scale(Parametric, ShapeKeeping):
    """`ScaleLayerParams` (version 1): scale * x + bias for each number of [..., C, H, W]."""

    type: Literal["scale"] = "scale"
    shape_scale: Repeated = Field(description="Shape of the scale: [1], [C], [1, H, W] or [C, H, W].")
    scale: list[object] | None = Field(
        default=None, repr=False, description="The factors: nested lists of that shape. Default: ones."
    )
    has_bias: Flag = Field(default=False, description="Whether a bias is added.")
    shape_bias: Repeated | None = Field(default=None, description="Shape of the bias. Default: that of the scale.")
    bias: list[object] | None = Field(
        default=None, repr=False, description="The bias: nested lists of its shape. Default: zeros."
    )

    summary: ClassVar[str] = "Scale: multiplies each number by a factor, and adds an optional bias."
    proto_path: ClassVar[str] = "scale"
    min_rank: ClassVar[int] = 3
    array_fields: ClassVar[tuple[str, ...]] = ("scale", "bias")

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:  # noqa: ARG002 - stated, not inferred
        """`scale`, and `bias` if there is one."""
        scale = {"scale": self.shape_scale}
        return scale | {"bias": self.shape_bias or self.shape_scale} if self.has_bias else scale

    def fill_value(self, key: str) -> float | None:
        """Ones for the scale, zeros for the bias."""
        return 1.0 if key == "scale" else 0.0

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for shapes that do not broadcast to the input, and for a bias although `has_bias` is false."""
        yield from broadcast_faults("/shape_scale", self.shape_scale, inputs[0])
        if self.has_bias and self.shape_bias is not None:
            yield from broadcast_faults("/shape_bias", self.shape_bias, inputs[0])
        for field, what, found in (("shape_bias", "shape", self.shape_bias), ("bias", "bias", self.bias)):
            if found is not None and not self.has_bias:
                yield Fault(f"/{field}", f"found a {what} although has_bias is false; remove one of the two")
        yield from super().faults(inputs)

    def completed(self, inputs: tuple[Shape, ...]) -> Self:  # noqa: ARG002 - it follows from the scale's shape
        """Fills in `shape_bias`."""
        return self.model_copy(update={"shape_bias": self.weight_shapes(()).get("bias")})

    def write(self, message: Message) -> None:
        """Write both shapes."""
        message.shapeScale.extend(self.shape_scale)
        message.hasBias = self.has_bias
        message.shapeBias.extend(self.shape_bias or ())

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """Both shapes; the shape of an unused bias is ignored."""
        return {
            "shape_scale": list(message.shapeScale),
            "has_bias": message.hasBias,
            "shape_bias": list(message.shapeBias) if message.hasBias else None,
        }


class LoadConstant(Parametric):
    """`LoadConstantLayerParams` (version 1): nothing to [1, 1, C, H, W], regardless of the mapping of the inputs."""

    type: Literal["load_constant"] = "load_constant"
    shape: tuple[Dimension, Dimension, Dimension] = Field(description="[C, H, W]")
    data: list[object] | None = Field(
        default=None, repr=False, description="The numbers: nested lists of that shape. Default: zeros."
    )

    summary: ClassVar[str] = "Constant: a blob that is the same for every example."
    proto_path: ClassVar[str] = "loadConstant"
    input_count: ClassVar[tuple[int, int]] = (0, 0)
    array_fields: ClassVar[tuple[str, ...]] = ("data",)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:  # noqa: ARG002 - there are none
        """(1, 1, C, H, W)."""
        return ((1, 1, *self.shape),)

    def weight_shapes(self, inputs: tuple[Shape, ...]) -> Mapping[str, Shape]:  # noqa: ARG002 - there are none
        """`data`."""
        return {"data": self.shape}

    def fill_value(self, key: str) -> float | None:  # noqa: ARG002 - there is one array
        """Zeros."""
        return 0.0

    def write(self, message: Message) -> None:
        """Write the shape."""
        message.shape.extend(self.shape)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The shape."""
        return {"shape": list(message.shape)}
