"""Resizing: upsampling, bilinear resizing, and resized crops of boxes."""

from collections.abc import Iterable, Iterator
from math import floor
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message, name_of
from pippin.models.spec.shapes import shape_text
from pippin.models.spec.values import Flag, Shape, Single, single
from pippin.models.spec.windows import Pair

SamplingMethod = Literal["strict_align_endpoints", "align_endpoints", "upsample", "roi_align"]

METHODS: Final[dict[str, int]] = {"strict_align_endpoints": 0, "align_endpoints": 1, "upsample": 2, "roi_align": 3}
"""Enum values of `SamplingMode.Method`."""


def read_target(numbers: Iterable[int]) -> list[int]:
    """A `targetSize`: missing numbers and zeros become 1. Source: NeuralNetworkShapes.cpp."""
    return [number or 1 for number in numbers] or [1, 1]


# Enum values of `UpsampleLayerParams.InterpolationMode` and `LinearUpsampleMode`.
_MODES = {"nearest": 0, "bilinear": 1}
_LINEAR_MODES = {"default": 0, "align_corners_true": 1, "align_corners_false": 2}

_Factor = Annotated[Single, Field(ge=0, le=2**16)]


class Upsample(Layer):
    """`UpsampleLayerParams` (version 1, aligned corners and fractions 5): [..., C, H, W] to [..., C, H·fH, W·fW].

    The proto does not define the length of an axis with a fractional factor. As in coremltools' `upsample_bilinear` it
    is the floor of the product, here of the product as a float32: 0.29 of 100 rows are 29.
    """

    type: Literal["upsample"] = "upsample"
    scaling_factor: Pair | None = Field(
        default=None, description="[height, width], whole numbers. Default: [1, 1] without fractional factors."
    )
    fractional_scaling_factor: tuple[_Factor, _Factor] | None = Field(
        default=None,
        description="[height, width] instead of scaling_factor: for bilinear with aligned corners, true or false.",
    )
    mode: Literal["nearest", "bilinear"] = Field(
        default="nearest", description="Whether cells are repeated, or interpolated from four neighbors."
    )
    linear_upsample_mode: Literal["default", "align_corners_true", "align_corners_false"] = Field(
        default="default", description="Sampling points of bilinear."
    )

    summary: ClassVar[str] = "Upsampling: more rows and columns of the same image."
    proto_path: ClassVar[str] = "upsample"
    min_rank: ClassVar[int] = 3
    newer_option: ClassVar[str] = "linear_upsample_mode"

    @property
    def version_needed(self) -> int:
        """5 for aligned corners and fractions, else 1. Source: Utils.cpp, `hasIOS14NeuralNetworkFeatures`."""
        is_old = self.linear_upsample_mode == "default" and self.fractional_scaling_factor is None
        return 1 if is_old else 5

    @property
    def factors(self) -> tuple[float, float]:
        """The factors of height and width."""
        return self.fractional_scaling_factor or self.scaling_factor or (1, 1)

    def size(self, shape: Shape) -> tuple[int, int]:
        """(H', W') of an input of `shape` (..., C, H, W)."""
        (height, width), (down, across) = shape[-2:], self.factors
        return _times(height, down), _times(width, across)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for two kinds of factors, factors that give an empty output, and inconsistent modes.

        Source: NeuralNetworkLayerValidator.cpp, `validateUpsampleLayer`.
        """
        if self.linear_upsample_mode != "default" and self.mode != "bilinear":
            yield Fault("/linear_upsample_mode", f"found {self.linear_upsample_mode!r}; only bilinear has such a mode")
        if self.fractional_scaling_factor is None:
            return
        field = "/fractional_scaling_factor"
        if self.scaling_factor is not None:
            yield Fault(field, "found both this and scaling_factor; remove one of the two")
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
        """Fills in `scaling_factor`, unless there is a fractional one."""
        if self.fractional_scaling_factor is not None:
            return self
        return self.model_copy(update={"scaling_factor": self.scaling_factor or (1, 1)})

    def write(self, message: Message) -> None:
        """Write every field that is set."""
        message.scalingFactor.extend(self.scaling_factor or ())
        message.fractionalScalingFactor.extend(self.fractional_scaling_factor or ())
        message.mode = _MODES[self.mode]
        message.linearUpsampleMode = _LINEAR_MODES[self.linear_upsample_mode]

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; an integer factor of 0 means 1. Source: NeuralNetworkShapes.cpp."""
        return {
            "scaling_factor": [factor or 1 for factor in message.scalingFactor] or None,
            "fractional_scaling_factor": list(message.fractionalScalingFactor) or None,
            "mode": name_of(message.mode, _MODES, "upsample mode"),
            "linear_upsample_mode": name_of(message.linearUpsampleMode, _LINEAR_MODES, "linear upsample mode"),
        }


def _times(length: int, factor: float) -> int:
    return length * factor if isinstance(factor, int) else floor(single(length * factor))


class ResizeBilinear(Layer):
    """`ResizeBilinearLayerParams` (version 3): [..., C, H, W] to [..., C, H', W']."""

    type: Literal["resize_bilinear"] = "resize_bilinear"
    target_size: Pair = Field(description="[height, width]")
    sampling_method: SamplingMethod = Field(
        default="strict_align_endpoints", description="Sampling points along each axis of the input."
    )

    summary: ClassVar[str] = "Resizing: an image to a given size."
    proto_path: ClassVar[str] = "resizeBilinear"
    min_rank: ClassVar[int] = 3
    min_version: ClassVar[int] = 3

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., C, H', W')."""
        return ((*inputs[0][:-2], *self.target_size),)

    def write(self, message: Message) -> None:
        """Write every field."""
        message.targetSize.extend(self.target_size)
        message.mode.samplingMethod = METHODS[self.sampling_method]

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        return {
            "target_size": read_target(message.targetSize),
            "sampling_method": name_of(message.mode.samplingMethod, METHODS, "sampling method"),
        }


# Enum values of `BoxCoordinatesMode.Coordinates`.
_BOX_MODES = {
    "corners_height_first": 0,
    "corners_width_first": 1,
    "center_size_height_first": 2,
    "center_size_width_first": 3,
}


class CropResize(Layer):
    """`CropResizeLayerParams` (version 3): [1, B, C, H, W] and N boxes to [N, B, C, H', W'].

    The boxes are [N, 1, 4, 1, 1], or [N, 1, 5, 1, 1] with the index of the box's image in the batch before its
    coordinates. Each example is a separate batch of one image, so that index is always 0 and is ignored.
    """

    type: Literal["crop_resize"] = "crop_resize"
    target_size: Pair = Field(description="[height, width]")
    normalized_coordinates: Flag = Field(
        default=False, description="Whether coordinates are from 0 to 1, or in pixels from 0 to H - 1 and W - 1."
    )
    sampling_method: SamplingMethod = Field(
        default="strict_align_endpoints", description="Sampling points along each axis of a box."
    )
    box_mode: Literal[
        "corners_height_first", "corners_width_first", "center_size_height_first", "center_size_width_first"
    ] = Field(default="corners_height_first", description="Meaning of the four coordinates.")
    spatial_scale: Single = Field(default=1.0, description="Additional factor of every coordinate.")

    summary: ClassVar[str] = "Crop and resize: boxes cut out of an image and resized."
    proto_path: ClassVar[str] = "cropResize"
    input_count: ClassVar[tuple[int, int]] = (2, 2)
    min_rank: ClassVar[int] = 5
    min_version: ClassVar[int] = 3

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for images in a sequence, boxes of another shape, and a scale that is not positive."""
        image, boxes = inputs
        if image[0] != 1:
            yield Fault(
                "/input/0", f"found images of shape {shape_text(image)}, a sequence of {image[0]}; needs one of 1"
            )
        if boxes[1:] not in ((1, 4, 1, 1), (1, 5, 1, 1)):
            yield Fault("/input/1", f"found boxes of shape {list(boxes)}; needs [N, 1, 4, 1, 1] or [N, 1, 5, 1, 1]")
        elif boxes[2] == 5 and image[1] != 1:
            yield Fault("/input/0", f"found {image[1]} images in a batch; boxes of 5 coordinates need just 1")
        if self.spatial_scale <= 0:
            yield Fault("/spatial_scale", f"found {self.spatial_scale}; needs more than 0")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(N, B, C, H', W')."""
        image, boxes = inputs
        return ((boxes[0], image[1], image[2], *self.target_size),)

    def write(self, message: Message) -> None:
        """Write every field."""
        message.targetSize.extend(self.target_size)
        message.normalizedCoordinates = self.normalized_coordinates
        message.mode.samplingMethod = METHODS[self.sampling_method]
        message.boxIndicesMode.boxMode = _BOX_MODES[self.box_mode]
        message.spatialScale = self.spatial_scale

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields. The proto defines no default for a scale of 0, so it does not become 1."""
        return {
            "target_size": read_target(message.targetSize),
            "normalized_coordinates": message.normalizedCoordinates,
            "sampling_method": name_of(message.mode.samplingMethod, METHODS, "sampling method"),
            "box_mode": name_of(message.boxIndicesMode.boxMode, _BOX_MODES, "box mode"),
            "spatial_scale": message.spatialScale,
        }
