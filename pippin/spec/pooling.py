"""Pooling over height and width."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from pippin.faults import Fault
from pippin.spec.layer import Message, OneToOne, name_of
from pippin.spec.values import Flag, Shape
from pippin.spec.windows import Padding, Pair, ValidPadding, read_padding, read_pair, write_padding

# The numbers of `PoolingLayerParams.PoolingType`.
_TYPES = {"max": 0, "average": 1}


class Pooling(OneToOne):
    """`PoolingLayerParams`: [C, H, W] to [C, H', W']."""

    type: Literal["pooling"] = "pooling"
    pooling_type: Literal["max", "average"]
    kernel_size: Pair = Field(description="[height, width]")
    stride: Pair = Field(default=(1, 1), description="[down, across]")
    padding: Padding = ValidPadding()
    avg_pool_exclude_padding: Flag = Field(
        default=True, description="Whether an average is over the input's own cells only, or over added zeros too."
    )

    proto_path: ClassVar[str] = "pooling"
    passes_gradient: ClassVar[bool] = True

    def pads(self, shape: Shape) -> tuple[tuple[int, int], tuple[int, int]]:
        """((top, bottom), (left, right)) that are added around an input of `shape` (C, H, W)."""
        _, h, w = shape
        return (
            self.padding.added(0, h, self.kernel_size[0], self.stride[0]),
            self.padding.added(1, w, self.kernel_size[1], self.stride[1]),
        )

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Not an image-like blob, or a window that does not fit or holds nothing but padding."""
        shape = inputs[0]
        if len(shape) != 3:
            yield Fault("/input", f"found a blob of shape {list(shape)}; pooling needs [C, H, W]")
            return
        for axis, (name, size) in enumerate(zip(("high", "wide"), shape[1:], strict=True)):
            kernel, stride = self.kernel_size[axis], self.stride[axis]
            added = self.padding.added(axis, size, kernel, stride)
            if self.padding.positions(axis, size, kernel, stride) < 1:
                yield Fault(
                    f"/kernel_size/{axis}",
                    f"found a kernel {kernel} {name}; the padded input is {size + sum(added)} {name} and must hold it",
                )
            if max(added) >= kernel:
                yield Fault(
                    f"/padding/borders/{axis}",
                    f"found {list(added)}; a kernel {kernel} {name} needs less, or a window would hold only padding",
                )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(C, H', W')."""
        c, h, w = inputs[0]
        return (
            (
                c,
                self.padding.positions(0, h, self.kernel_size[0], self.stride[0]),
                self.padding.positions(1, w, self.kernel_size[1], self.stride[1]),
            ),
        )

    def write(self, message: Message) -> None:
        """Write every field."""
        message.type = _TYPES[self.pooling_type]
        message.kernelSize.extend(self.kernel_size)
        message.stride.extend(self.stride)
        write_padding(self.padding, message)
        message.avgPoolExcludePadding = self.avg_pool_exclude_padding

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; what a message may leave out gets the proto's default (kernel 3, stride 1)."""
        if message.globalPooling:
            raise ValueError("found global pooling; Pippin knows pooling with a kernel")
        return {
            "pooling_type": name_of(message.type, _TYPES, "pooling type"),
            "kernel_size": read_pair(message.kernelSize, 3),
            "stride": read_pair(message.stride, 1),
            "padding": read_padding(message, message.WhichOneof("PoolingPaddingType")),
            "avg_pool_exclude_padding": message.avgPoolExcludePadding,
        }
