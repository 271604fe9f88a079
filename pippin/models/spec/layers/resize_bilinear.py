"""Resizing an image to a given size."""

from typing import ClassVar, Literal

from pydantic import Field

from pippin.models.spec.layer import Layer, Message, name_of
from pippin.models.spec.sampling import METHODS, SamplingMethod, read_target
from pippin.models.spec.values import Shape
from pippin.models.spec.windows import Pair


class ResizeBilinear(Layer):
    """`ResizeBilinearLayerParams` (version 3): [..., C, H, W] to [..., C, H', W']."""

    type: Literal["resize_bilinear"] = "resize_bilinear"
    target_size: Pair = Field(description="[height, width]")
    sampling_method: SamplingMethod = Field(
        default="strict_align_endpoints", description="Where along each axis the input is sampled."
    )

    proto_path: ClassVar[str] = "resizeBilinear"
    least_rank: ClassVar[int] = 3
    least_version: ClassVar[int] = 3

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
