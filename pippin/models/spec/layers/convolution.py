"""Convolution and deconvolution over height and width."""

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
    output_channels: Channels = Field(description="Number of output channels.")
    kernel_channels: Channels | None = Field(
        default=None, description="Input channels divided by groups. Default: inferred."
    )
    groups: Channels = Field(
        default=1,
        description="Number of equal groups of input and output channels; each group reads only its own "
        "input channels.",
    )
    kernel_size: Pair = Field(description="[height, width]")
    stride: Pair = Field(default=(1, 1), description="[down, across]")
    dilation: Pair = Field(default=(1, 1), description="[down, across]")
    padding: Padding = Field(default=ValidPadding(), description="Padding of the input.")

    summary: ClassVar[str] = "Convolution over height and width."
    proto_path: ClassVar[str] = "convolution"
    min_rank: ClassVar[int] = 4
    trainable: ClassVar[bool] = True
    passes_gradient: ClassVar[bool] = True

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.output_channels

    @property
    def reach(self) -> tuple[int, int]:
        """The number of rows and columns that one window spans, including the dilation's gaps: (k - 1)·d + 1."""
        (k_h, k_w), (d_h, d_w) = self.kernel_size, self.dilation
        return (k_h - 1) * d_h + 1, (k_w - 1) * d_w + 1

    def pads(self, shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """The padding ((top, bottom), (left, right)) of an input of `shape` (..., C, H, W)."""
        _, h, w = image_of(shape)
        return (
            self.padding.added(0, h, self.reach[0], self.stride[0]),
            self.padding.added(1, w, self.reach[1], self.stride[1]),
        )

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(output_channels, C / groups, kH, kW)."""
        return (self.output_channels, inputs[0][-3] // self.groups, *self.kernel_size)

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for channels that the groups do not divide, and for a window that does not fit."""
        shape = image_of(inputs[0])
        for field, channels in (("input", shape[0]), ("output_channels", self.output_channels)):
            if channels % self.groups:
                yield Fault(f"/{field}", f"found {channels} channels; {self.groups} groups need a multiple of them")
        expected = shape[0] // self.groups
        if self.kernel_channels not in (None, expected):
            yield Fault("/kernel_channels", f"found {self.kernel_channels}; the input's channels require {expected}")
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
        """The fields; fields that a message leaves out get the proto's default (kernel 3, stride and dilation 1)."""
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


class Deconvolution(Weighted):
    """`ConvolutionLayerParams` that is a deconvolution (version 1): [..., C, H, W] to [..., output_channels, H', W'].

    Weights are [C, output_channels / groups, kH, kW], the bias is [output_channels]. Every cell of the input adds its
    kernel to the output, a stride apart; the edges of that sum, whose height is (H - 1)·stride + kH, are cut off:

    - valid padding: its borders; H' = (H - 1)·stride + kH - top - bottom;
    - same padding: what a convolution with that padding adds around an input of height H'; H' = H·stride;
    - `output_shape` instead of a padding: the excess, half of it before, and half or one more after.

    If H' is larger than the sum, zeros are appended. The proto defines only the sizes. In the last two cases the
    position of the cut is Pippin's choice: it makes the layer the transpose of the convolution with the same padding.
    `dilationFactor` is ignored, as the proto specifies.
    """

    type: Literal["deconvolution"] = "deconvolution"
    output_channels: Channels = Field(description="Number of output channels.")
    kernel_channels: Channels | None = Field(default=None, description="Number of input channels. Default: inferred.")
    groups: Channels = Field(
        default=1,
        description="Number of equal groups of input and output channels; each group reads only its own "
        "input channels.",
    )
    kernel_size: Pair = Field(description="[height, width]")
    stride: Pair = Field(default=(1, 1), description="[down, across]")
    padding: Padding = Field(default=ValidPadding(), description="Border to cut off from the result.")
    output_shape: Pair | None = Field(
        default=None, description="[height, width] of the output. Default: determined by the padding."
    )

    summary: ClassVar[str] = "Deconvolution: a transposed convolution."
    proto_path: ClassVar[str] = "convolution"
    min_rank: ClassVar[int] = 4
    trainable: ClassVar[bool] = True
    passes_gradient: ClassVar[bool] = True

    @classmethod
    def proto_kind(cls) -> str:
        """A separate name, since the type shares its message with the convolution."""
        return "deconvolution"

    @property
    def outputs(self) -> int:
        """Channels."""
        return self.output_channels

    def kept(self, shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """The part of the sum that is kept, for an input (..., C, H, W): ((first row, rows), (first column, columns)).

        Rows and columns outside the sum are zeros.
        """
        _, h, w = image_of(shape)
        return self._kept(0, h), self._kept(1, w)

    def _kept(self, axis: int, size: int) -> tuple[int, int]:
        kernel, stride = self.kernel_size[axis], self.stride[axis]
        whole = (size - 1) * stride + kernel
        if self.output_shape is not None:
            count = self.output_shape[axis]
            return max(0, whole - count) // 2, count
        if self.padding.type == "same":
            count = size * stride
            return self.padding.added(axis, count, kernel, stride)[0], count
        before, after = self.padding.borders[axis]
        return before, whole - before - after

    def kernel_shape(self, inputs: tuple[Shape, ...]) -> Shape:
        """(C, output_channels / groups, kH, kW)."""
        return (inputs[0][-3], self.output_channels // self.groups, *self.kernel_size)

    def fans(self, key: str, shape: Shape) -> tuple[int, int]:  # noqa: ARG002 - there is one array to draw
        """Fan-in and fan-out: each output is a sum over its group's channels and all kernels that cover the output."""
        (k_h, k_w), (s_h, s_w) = self.kernel_size, self.stride
        covering = -(-k_h // s_h) * -(-k_w // s_w)
        return shape[0] // self.groups * covering, shape[1] * k_h * k_w

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for channels that the groups do not divide, and for borders that leave an empty output."""
        shape = image_of(inputs[0])
        for field, channels in (("input", shape[0]), ("output_channels", self.output_channels)):
            if channels % self.groups:
                yield Fault(f"/{field}", f"found {channels} channels; {self.groups} groups need a multiple of them")
        if self.kernel_channels not in (None, shape[0]):
            yield Fault("/kernel_channels", f"found {self.kernel_channels}; the input has {shape[0]} channels")
        for axis, (name, (_, count)) in enumerate(zip(("rows", "columns"), self.kept(inputs[0]), strict=True)):
            if count < 1:
                cut = list(self.padding.added(axis, shape[1 + axis], self.kernel_size[axis], self.stride[axis]))
                yield Fault(
                    f"/padding/borders/{axis}",
                    f"found {cut}; of {count + sum(cut)} {name} at least one must be left",
                )
        yield from super().faults(inputs)

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., output_channels, H', W')."""
        (_, height), (_, width) = self.kept(inputs[0])
        return ((*inputs[0][:-3], self.output_channels, height, width),)

    def completed(self, inputs: tuple[Shape, ...]) -> Self:
        """Fills in `kernel_channels`."""
        return self.model_copy(update={"kernel_channels": inputs[0][-3]})

    def write(self, message: Message) -> None:
        """Write every field; the repeated ones even where they hold the proto's defaults."""
        message.isDeconvolution = True
        message.outputChannels = self.output_channels
        message.kernelChannels = self.kernel_channels
        message.nGroups = self.groups
        message.kernelSize.extend(self.kernel_size)
        message.stride.extend(self.stride)
        write_padding(self.padding, message)
        message.outputShape.extend(self.output_shape or ())
        message.hasBias = self.has_bias

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; fields that a message leaves out get the proto's default (kernel 3, stride 1)."""
        return {
            "output_channels": message.outputChannels,
            "kernel_channels": message.kernelChannels,
            "groups": message.nGroups or 1,
            "kernel_size": read_pair(message.kernelSize, 3),
            "stride": read_pair(message.stride, 1),
            "padding": read_padding(message, message.WhichOneof("ConvolutionPaddingType")),
            "output_shape": list(message.outputShape) or None,
            "has_bias": message.hasBias,
        }
