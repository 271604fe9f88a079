"""Upsampling: more rows and columns of the same image."""

from collections.abc import Iterator
from math import floor
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message, name_of
from pippin.models.spec.values import Shape, Single, single
from pippin.models.spec.windows import Pair

# The numbers of `UpsampleLayerParams.InterpolationMode` and `LinearUpsampleMode`.
_MODES = {"nearest": 0, "bilinear": 1}
_LINEAR_MODES = {"default": 0, "align_corners_true": 1, "align_corners_false": 2}

_Factor = Annotated[Single, Field(ge=0, le=2**16)]


class Upsample(Layer):
    """`UpsampleLayerParams` (version 1, aligned corners and fractions 5): [..., C, H, W] to [..., C, H·fH, W·fW].

    The proto does not say how long a fractional factor makes an axis. coremltools takes the product's floor (its
    `upsample_bilinear`), and so does this, of the product as a float32: 0.29 of 100 rows are 29.
    """

    type: Literal["upsample"] = "upsample"
    scaling_factor: Pair | None = Field(
        default=None, description="[height, width], whole numbers; [1, 1] when both factors are left out."
    )
    fractional_scaling_factor: tuple[_Factor, _Factor] | None = Field(
        default=None,
        description="[height, width] instead of scaling_factor: for bilinear with aligned corners, true or false.",
    )
    mode: Literal["nearest", "bilinear"] = Field(
        default="nearest", description="Whether cells are repeated, or numbers between them made of four neighbours."
    )
    linear_upsample_mode: Literal["default", "align_corners_true", "align_corners_false"] = Field(
        default="default", description="Where bilinear samples the input."
    )

    proto_path: ClassVar[str] = "upsample"
    least_rank: ClassVar[int] = 3
    newer_option: ClassVar[str] = "linear_upsample_mode"

    @property
    def version_needed(self) -> int:
        """Version 5 brought aligned corners and fractions. Source: Utils.cpp, `hasIOS14NeuralNetworkFeatures`."""
        is_old = self.linear_upsample_mode == "default" and self.fractional_scaling_factor is None
        return 1 if is_old else 5

    @property
    def factors(self) -> tuple[float, float]:
        """How many times as high and as wide the output is."""
        return self.fractional_scaling_factor or self.scaling_factor or (1, 1)

    def size(self, shape: Shape) -> tuple[int, int]:
        """(H', W') of an input of `shape` (..., C, H, W)."""
        (height, width), (down, across) = shape[-2:], self.factors
        return _times(height, down), _times(width, across)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Two kinds of factor, ones that leave nothing, and modes that do not go together.

        Source: NeuralNetworkLayerValidator.cpp, `validateUpsampleLayer`.
        """
        if self.linear_upsample_mode != "default" and self.mode != "bilinear":
            yield Fault("/linear_upsample_mode", f"found {self.linear_upsample_mode!r}; only bilinear has such a mode")
        if self.fractional_scaling_factor is None:
            return
        field = "/fractional_scaling_factor"
        if self.scaling_factor is not None:
            yield Fault(field, "found it beside scaling_factor; leave one of the two out")
        if self.mode != "bilinear" or self.linear_upsample_mode == "default":
            yield Fault(field, "found it without bilinear and aligned corners, true or false; needs both")
        for axis, (name, size) in enumerate(zip(("rows", "columns"), inputs[0][-2:], strict=True)):
            factor = self.fractional_scaling_factor[axis]
            if _times(size, factor) < 1:
                yield Fault(f"{field}/{axis}", f"found {factor}; of the input's {size} {name} one or more must be left")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., C, H', W')."""
        return ((*inputs[0][:-2], *self.size(inputs[0])),)

    def completed(self, inputs: tuple[Shape, ...]) -> Self:  # noqa: ARG002 - the same for any shape
        """Fills in `scaling_factor`, unless there is the other."""
        if self.fractional_scaling_factor is not None:
            return self
        return self.model_copy(update={"scaling_factor": self.scaling_factor or (1, 1)})

    def write(self, message: Message) -> None:
        """Write every field that is there."""
        message.scalingFactor.extend(self.scaling_factor or ())
        message.fractionalScalingFactor.extend(self.fractional_scaling_factor or ())
        message.mode = _MODES[self.mode]
        message.linearUpsampleMode = _LINEAR_MODES[self.linear_upsample_mode]

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; a whole factor of 0 is 1. Source: NeuralNetworkShapes.cpp."""
        return {
            "scaling_factor": [factor or 1 for factor in message.scalingFactor] or None,
            "fractional_scaling_factor": list(message.fractionalScalingFactor) or None,
            "mode": name_of(message.mode, _MODES, "upsample mode"),
            "linear_upsample_mode": name_of(message.linearUpsampleMode, _LINEAR_MODES, "linear upsample mode"),
        }


def _times(length: int, factor: float) -> int:
    return length * factor if isinstance(factor, int) else floor(single(length * factor))
