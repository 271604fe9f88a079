"""Reduction over axes of a blob, such as a sum or a mean."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import RANK_RULE, Layer, Message, name_of
from pippin.models.spec.shapes import shape_text
from pippin.models.spec.values import NonZero, Shape

# Enum values of `ReduceLayerParams.ReduceOperation`.
_MODES = {
    "sum": 0,
    "avg": 1,
    "prod": 2,
    "logsum": 3,
    "sumsquare": 4,
    "l1": 5,
    "l2": 6,
    "max": 7,
    "min": 8,
    "argmax": 9,
}

# Enum values of `ReduceLayerParams.ReduceAxis`; each name lists the reduced axes.
_AXES = {"chw": 0, "hw": 1, "c": 2, "h": 3, "w": 4}

_PLACES = {"c": -3, "h": -2, "w": -1}

_EPSILON = 1e-6


class Reduce(Layer):
    """`ReduceLayerParams` (version 1): the axes that are reduced get the length 1, the others stay."""

    type: Literal["reduce"] = "reduce"
    mode: Literal["sum", "avg", "prod", "logsum", "sumsquare", "l1", "l2", "max", "min", "argmax"] = Field(
        description="logsum sums logarithms; argmax gives the index of the maximum, from 0."
    )
    axis: Literal["chw", "hw", "c", "h", "w"] = Field(description="The axes to reduce; a single axis with argmax.")
    epsilon: NonZero = Field(default=_EPSILON, description="Added to each number by logsum.")

    summary: ClassVar[str] = "Reduction: reduces all numbers along one or several axes to one number."
    proto_path: ClassVar[str] = "reduce"

    @property
    def places(self) -> tuple[int, ...]:
        """The reduced axes, counted from the end: -3 is C, -1 is W."""
        return tuple(_PLACES[name] for name in self.axis)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for axes that the input does not have, and for several axes with argmax."""
        shape, needed = inputs[0], -self.places[0]
        if len(shape) < needed:
            yield Fault(
                "/input",
                f"found a blob of shape {shape_text(shape)}, rank {len(shape)}; "
                f"reduce over {self.axis} needs rank {needed}"
                " or more",
                RANK_RULE,
            )
        if self.mode == "argmax" and len(self.axis) > 1:
            yield Fault("/axis", f"found {self.axis!r}; argmax needs 'c', 'h' or 'w'")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The input's shape with length 1 for the reduced axes."""
        shape = inputs[0]
        return (tuple(1 if axis - len(shape) in self.places else length for axis, length in enumerate(shape)),)

    def write(self, message: Message) -> None:
        """Write every field."""
        message.mode = _MODES[self.mode]
        message.axis = _AXES[self.axis]
        message.epsilon = self.epsilon

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; an epsilon of 0 is the proto's default."""
        return {
            "mode": name_of(message.mode, _MODES, "reduce mode"),
            "axis": name_of(message.axis, _AXES, "reduce axis"),
            "epsilon": message.epsilon or _EPSILON,
        }
