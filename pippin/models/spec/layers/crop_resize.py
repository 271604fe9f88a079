"""Boxes cut out of an image and resized."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message, name_of
from pippin.models.spec.sampling import METHODS, SamplingMethod, read_target
from pippin.models.spec.shapes import said
from pippin.models.spec.values import Flag, Shape, Single
from pippin.models.spec.windows import Pair

# The numbers of `BoxCoordinatesMode.Coordinates`.
_BOX_MODES = {
    "corners_height_first": 0,
    "corners_width_first": 1,
    "center_size_height_first": 2,
    "center_size_width_first": 3,
}


class CropResize(Layer):
    """`CropResizeLayerParams` (version 3): [1, B, C, H, W] and N boxes to [N, B, C, H', W'].

    The boxes are [N, 1, 4, 1, 1], or [N, 1, 5, 1, 1] with the place of the box's image in the batch before its
    coordinates. An example is a batch of its own with one image in it, so that place is always 0 and not looked at.
    """

    type: Literal["crop_resize"] = "crop_resize"
    target_size: Pair = Field(description="[height, width]")
    normalized_coordinates: Flag = Field(
        default=False, description="Whether coordinates are from 0 to 1, or in pixels from 0 to H - 1 and W - 1."
    )
    sampling_method: SamplingMethod = Field(
        default="strict_align_endpoints", description="Where along each axis a box is sampled."
    )
    box_mode: Literal[
        "corners_height_first", "corners_width_first", "center_size_height_first", "center_size_width_first"
    ] = Field(default="corners_height_first", description="What the four coordinates are.")
    spatial_scale: Single = Field(default=1.0, description="What every coordinate is multiplied by besides.")

    proto_path: ClassVar[str] = "cropResize"
    inputs_taken: ClassVar[tuple[int, int]] = (2, 2)
    least_rank: ClassVar[int] = 5
    least_version: ClassVar[int] = 3

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Images in a sequence, boxes of another shape, and a scale that leaves nothing of them."""
        image, boxes = inputs
        if image[0] != 1:
            yield Fault("/input/0", f"found images of shape {said(image)}, a sequence of {image[0]}; needs one of 1")
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
        """The fields. The proto knows no other scale than the one that is there, so 0 is no 1."""
        return {
            "target_size": read_target(message.targetSize),
            "normalized_coordinates": message.normalizedCoordinates,
            "sampling_method": name_of(message.mode.samplingMethod, METHODS, "sampling method"),
            "box_mode": name_of(message.boxIndicesMode.boxMode, _BOX_MODES, "box mode"),
            "spatial_scale": message.spatialScale,
        }
