"""Elementwise sums, products and other functions of blobs, and the dot product."""

from collections.abc import Iterator, Mapping
from typing import ClassVar, Final, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Bare, Layer, Message, ShapeKeeping, name_of
from pippin.models.spec.shapes import shape_text
from pippin.models.spec.values import Flag, NonZero, Shape, Single

MAX_BLOBS: Final = 1000


class Combining(Bare):
    """A layer that combines blobs of one rank to a blob of the largest of their shapes.

    A smaller blob is broadcast along its axes of length 1. The proto allows four shapes: [C, H, W], [C, 1, 1],
    [1, H, W] and [1, 1, 1]. Axes in front of these three are the same in all blobs.
    """

    input_count: ClassVar[tuple[int, int]] = (1, MAX_BLOBS)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for shapes that do not broadcast."""
        rank = len(inputs[0])
        for index, shape in enumerate(inputs):
            if len(shape) != rank:
                yield Fault(
                    f"/input/{index}",
                    f"found a blob of shape {shape_text(shape)}, rank {len(shape)}; "
                    f"needs rank {rank}, as the first has",
                )
        if any(len(shape) != rank for shape in inputs):
            return
        fitting = _fitting(_largest(inputs))
        for index, shape in enumerate(inputs):
            if shape not in fitting:
                needed = " or ".join(map(shape_text, fitting))
                yield Fault(f"/input/{index}", f"found a blob of shape {shape_text(shape)}; needs {needed}")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The largest shape."""
        return (_largest(inputs),)


class CombiningOrScalar(Combining):
    """A combining layer that combines a single blob with a number."""

    alpha: Single | None = Field(
        default=None,
        description="The number to combine with each number of the input; required with one input, not allowed with "
        "several.",
    )

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for a missing or an unused number."""
        yield from super().faults(inputs)
        if len(inputs) == 1 and self.alpha is None:
            yield Fault("/alpha", "is required with a single input blob")
        # With several blobs a file has the proto's default 0, which is ignored.
        if len(inputs) > 1 and self.alpha:
            yield Fault(
                "/alpha", f"found {self.alpha} with {len(inputs)} blobs; it is allowed with one blob only: remove it"
            )

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """The layer without the default 0 that a file has with several blobs."""
        return self if len(inputs) == 1 else self.model_copy(update={"alpha": None})

    def write(self, message: Message) -> None:
        """Write the number; 0 if there is none."""
        message.alpha = self.alpha or 0.0

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The number; 0 if it may be unset."""
        return {"alpha": message.alpha}


def _largest(shapes: tuple[Shape, ...]) -> Shape:
    return tuple(max(lengths) for lengths in zip(*shapes, strict=True))


def _fitting(largest: Shape) -> Mapping[Shape, None]:
    """The unique shapes that broadcast to the largest, in order."""
    if len(largest) < 3:
        return {largest: None}
    front, (channels, height, width) = largest[:-3], largest[-3:]
    lasts = ((channels, height, width), (channels, 1, 1), (1, height, width), (1, 1, 1))
    return dict.fromkeys((*front, *last) for last in lasts)


class Add(CombiningOrScalar):
    """`AddLayerParams` (version 1): the sum of several blobs, or x + alpha for each number of one."""

    type: Literal["add"] = "add"

    summary: ClassVar[str] = "Addition, of blobs or of a number."
    proto_path: ClassVar[str] = "add"


class Multiply(CombiningOrScalar):
    """`MultiplyLayerParams` (version 1): the product of several blobs, or alpha * x for each number of one."""

    type: Literal["multiply"] = "multiply"

    summary: ClassVar[str] = "Multiplication, of blobs or by a number."
    proto_path: ClassVar[str] = "multiply"


class Average(Combining):
    """`AverageLayerParams` (version 1): the mean of several blobs, number by number."""

    type: Literal["average"] = "average"

    summary: ClassVar[str] = "The mean of several blobs, number by number."
    proto_path: ClassVar[str] = "average"


class Max(Combining):
    """`MaxLayerParams` (version 1): the largest of several blobs, number by number."""

    type: Literal["max"] = "max"

    summary: ClassVar[str] = "The largest of several blobs, number by number."
    proto_path: ClassVar[str] = "max"


class Min(Combining):
    """`MinLayerParams` (version 1): the smallest of several blobs, number by number."""

    type: Literal["min"] = "min"

    summary: ClassVar[str] = "The smallest of several blobs, number by number."
    proto_path: ClassVar[str] = "min"


class Dot(Layer):
    """`DotProductLayerParams` (version 1): two [..., C, 1, 1] to [..., 1, 1, 1]."""

    type: Literal["dot"] = "dot"
    cosine_similarity: Flag = Field(
        default=False, description="Whether the vectors are first divided by their lengths, which gives their cosine."
    )

    summary: ClassVar[str] = "The dot product of two vectors."
    proto_path: ClassVar[str] = "dot"
    input_count: ClassVar[tuple[int, int]] = (2, 2)
    min_rank: ClassVar[int] = 3

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for blobs that are not vectors, or that have different shapes."""
        for index, shape in enumerate(inputs):
            if shape[-2:] != (1, 1):
                yield Fault(
                    f"/input/{index}", f"found a blob of shape {shape_text(shape)}; needs a vector: flatten first"
                )
        if inputs[0] != inputs[1]:
            yield Fault(
                "/input/1",
                f"found a blob of shape {shape_text(inputs[1])}; needs that of the first, {shape_text(inputs[0])}",
            )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """One number per vector."""
        return ((*inputs[0][:-3], 1, 1, 1),)

    def write(self, message: Message) -> None:
        """Write the flag."""
        message.cosineSimilarity = self.cosine_similarity

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The flag."""
        return {"cosine_similarity": message.cosineSimilarity}


# Enum values of `UnaryFunctionLayerParams.Operation`.
_FUNCTIONS = {
    "sqrt": 0,
    "rsqrt": 1,
    "inverse": 2,
    "power": 3,
    "exp": 4,
    "log": 5,
    "abs": 6,
    "threshold": 7,
}

_EPSILON = 1e-6


class Unary(ShapeKeeping):
    """`UnaryFunctionLayerParams` (version 1): f(scale * x + shift) for each number."""

    type: Literal["unary"] = "unary"
    function: Literal["sqrt", "rsqrt", "inverse", "power", "exp", "log", "abs", "threshold"] = Field(
        description="f; rsqrt is 1 over the root, and threshold the larger of its argument and alpha."
    )
    alpha: Single = Field(default=0.0, description="The exponent of power, and the minimum of threshold.")
    epsilon: NonZero = Field(default=_EPSILON, description="Added by rsqrt and inverse before the division.")
    shift: Single = Field(default=0.0, description="Added before the function is applied.")
    scale: NonZero = Field(default=1.0, description="Factor of x, applied before the shift.")

    summary: ClassVar[str] = "Unary function: a function of each number."
    proto_path: ClassVar[str] = "unary"

    def write(self, message: Message) -> None:
        """Write every field."""
        message.type = _FUNCTIONS[self.function]
        message.alpha = self.alpha
        message.epsilon = self.epsilon
        message.shift = self.shift
        message.scale = self.scale

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; an epsilon or a scale of 0 is the proto's default."""
        return {
            "function": name_of(message.type, _FUNCTIONS, "unary function"),
            "alpha": message.alpha,
            "epsilon": message.epsilon or _EPSILON,
            "shift": message.shift,
            "scale": message.scale or 1.0,
        }
