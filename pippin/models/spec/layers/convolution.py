"""Convolution over height and width."""

from collections.abc import Iterator
from typing import ClassVar, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import Message
from pippin.models.spec.shapes import image_of
from pippin.models.spec.values import Channels, Shape
from pippin.models.spec.weighted import Weighted
from pippin.models.spec.windows import Padding, Pair, ValidPadding, read_padding, read_pair, write_padding


class Convolution(Weighted):
    """`ConvolutionLayerParams` (version 1): [..., C, H, W] to [..., output_channels, H', W'].

    Weights are [output_channels, C / groups, kH, kW], the bias is [output_channels].
    """

    type: Literal["convolution"] = "convolution"
    output_channels: Channels = Field(description="How many channels it makes.")
    kernel_channels: Channels | None = Field(
        default=None, description="Input channels divided by groups; inferred when left out."
    )
    groups: Channels = Field(
        default=1, description="In how many equal runs both channels are parted; each run sees only its own."
    )
    kernel_size: Pair = Field(description="[height, width]")
    stride: Pair = Field(default=(1, 1), description="[down, across]")
    dilation: Pair = Field(default=(1, 1), description="[down, across]")
    padding: Padding = Field(default=ValidPadding(), description="What is added around the input.")

    proto_path: ClassVar[str] = "convolution"
    least_rank: ClassVar[int] = 4
    trainable: ClassVar[bool] = True
    passes_gradient: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.output_channels

    @property
    def reach(self) -> tuple[int, int]:
        """How many rows and columns one window spans, gaps of the dilation included: (k - 1)·d + 1."""
        (k_h, k_w), (d_h, d_w) = self.kernel_size, self.dilation
        return (k_h - 1) * d_h + 1, (k_w - 1) * d_w + 1

    def pads(self, shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """((top, bottom), (left, right)) that are added around an input of `shape` (..., C, H, W)."""
        _, h, w = image_of(shape)
        return (
            self.padding.added(0, h, self.reach[0], self.stride[0]),
            self.padding.added(1, w, self.reach[1], self.stride[1]),
        )

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(output_channels, C / groups, kH, kW)."""
        return (self.output_channels, inputs[0][-3] // self.groups, *self.kernel_size)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Channels that do not divide by the groups, and a window that does not fit."""
        shape = image_of(inputs[0])
        for field, channels in (("input", shape[0]), ("output_channels", self.output_channels)):
            if channels % self.groups:
                yield Fault(f"/{field}", f"found {channels} channels; {self.groups} groups need a multiple of them")
        expected = shape[0] // self.groups
        if self.kernel_channels not in (None, expected):
            yield Fault("/kernel_channels", f"found {self.kernel_channels}; the input's channels make it {expected}")
        for axis, (name, size) in enumerate(zip(("high", "wide"), shape[1:], strict=True)):
            reach, stride = self.reach[axis], self.stride[axis]
            if self.padding.positions(axis, size, reach, stride) < 1:
                padded = size + sum(self.padding.added(axis, size, reach, stride))
                yield Fault(
                    f"/kernel_size/{axis}",
                    f"found a kernel {reach} {name}; the padded input is {padded} {name} and must hold it",
                )
        yield from super().faults(inputs)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., output_channels, H', W')."""
        _, h, w = image_of(inputs[0])
        return (
            (
                *inputs[0][:-3],
                self.output_channels,
                self.padding.positions(0, h, self.reach[0], self.stride[0]),
                self.padding.positions(1, w, self.reach[1], self.stride[1]),
            ),
        )

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Fills in `kernel_channels`."""
        return self.model_copy(update={"kernel_channels": inputs[0][-3] // self.groups})

    def write(self, message: Message) -> None:
        """Write every field; the repeated ones even where they hold the proto's defaults."""
        message.outputChannels = self.output_channels
        message.kernelChannels = self.kernel_channels
        message.nGroups = self.groups
        message.kernelSize.extend(self.kernel_size)
        message.stride.extend(self.stride)
        message.dilationFactor.extend(self.dilation)
        write_padding(self.padding, message)
        message.hasBias = self.has_bias

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; what a message may leave out gets the proto's default (kernel 3, stride and dilation 1)."""
        return {
            "output_channels": message.outputChannels,
            "kernel_channels": message.kernelChannels,
            "groups": message.nGroups or 1,
            "kernel_size": read_pair(message.kernelSize, 3),
            "stride": read_pair(message.stride, 1),
            "dilation": read_pair(message.dilationFactor, 1),
            "padding": read_padding(message, message.WhichOneof("ConvolutionPaddingType")),
            "has_bias": message.hasBias,
        }
