"""Data moved between the channels and the image's height and width."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message, name_of
from pippin.models.spec.shapes import image_of
from pippin.models.spec.values import Shape

# The numbers of `ReorganizeDataLayerParams.ReorganizationType`.
_MODES = {"space_to_depth": 0, "depth_to_space": 1, "pixel_shuffle": 2}


class ReorganizeData(Layer):
    """`ReorganizeDataLayerParams` (version 1, pixel_shuffle 5): blocks of b·b cells to as many channels, or back.

    space_to_depth makes [..., C, H, W] to [..., C·b·b, H / b, W / b], the others to [..., C / (b·b), H·b, W·b].
    """

    type: Literal["reorganize_data"] = "reorganize_data"
    mode: Literal["space_to_depth", "depth_to_space", "pixel_shuffle"] = Field(
        description="pixel_shuffle is depth_to_space with the channels that make a block next to each other."
    )
    block_size: Annotated[int, Field(strict=True, ge=2, le=2**16)] = Field(description="How high and wide a block is.")

    proto_path: ClassVar[str] = "reorganizeData"
    least_rank: ClassVar[int] = 3
    newer_option: ClassVar[str] = "mode"

    @property
    def version_needed(self) -> int:
        """Version 5 brought pixel_shuffle."""
        return 5 if self.mode == "pixel_shuffle" else 1

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """An image that is no whole number of blocks, or channels that make none."""
        channels, height, width = image_of(inputs[0])
        block = self.block_size
        if self.mode == "space_to_depth":
            if height % block or width % block:
                yield Fault(
                    "/block_size", f"found {block}; it must divide the input's {height} rows and {width} columns"
                )
        elif channels % block**2:
            yield Fault(
                "/block_size", f"found {block}; its square, {block**2}, must divide the input's {channels} channels"
            )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., C', H', W')."""
        *front, channels, height, width = inputs[0]
        block = self.block_size
        if self.mode == "space_to_depth":
            return ((*front, channels * block**2, height // block, width // block),)
        return ((*front, channels // block**2, height * block, width * block),)

    def write(self, message: Message) -> None:
        """Write every field."""
        message.mode = _MODES[self.mode]
        message.blockSize = self.block_size

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields."""
        return {"mode": name_of(message.mode, _MODES, "reorganization mode"), "block_size": message.blockSize}
