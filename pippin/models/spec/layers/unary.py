"""A function of each number by itself."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Message, ShapeKeeping, name_of
from pippin.models.spec.nonzero import NonZero
from pippin.models.spec.values import Single

# The numbers of `UnaryFunctionLayerParams.Operation`.
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
    alpha: Single = Field(default=0.0, description="The exponent of power, and the least that threshold lets through.")
    epsilon: NonZero = Field(default=_EPSILON, description="What rsqrt and inverse add before they divide.")
    shift: Single = Field(default=0.0, description="What is added before the function.")
    scale: NonZero = Field(default=1.0, description="What x is multiplied by before that.")

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
