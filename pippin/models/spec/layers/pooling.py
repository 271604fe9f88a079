"""Pooling over height and width."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from pippin.errors import Fault
from pippin.models.spec.layer import Layer, Message, name_of
from pippin.models.spec.shapes import image_of
from pippin.models.spec.values import Flag, Shape
from pippin.models.spec.windows import Pair, PoolingPadding, ValidPadding, read_padding, read_pair, write_padding

# Enum values of `PoolingLayerParams.PoolingType`.
_TYPES = {"max": 0, "average": 1, "l2": 2}


class Pooling(Layer):
    """`PoolingLayerParams` (version 1): [..., C, H, W] to [..., C, H', W']."""

    type: Literal["pooling"] = "pooling"
    pooling_type: Literal["max", "average", "l2"] = Field(
        description="Result of a window: the maximum, the mean, or the root of the sum of the squares."
    )
    kernel_size: Pair | None = Field(default=None, description="[height, width]; required unless pooling is global.")
    stride: Pair = Field(default=(1, 1), description="[down, across]")
    padding: PoolingPadding = Field(default=ValidPadding(), description="Padding of the input.")
    avg_pool_exclude_padding: Flag = Field(default=True, description="Whether an average excludes the added zeros.")
    global_pooling: Flag = Field(
        default=False,
        description="Whether one window covers the whole input; kernel, stride and padding are then ignored.",
    )

    @model_validator(mode="before")
    @classmethod
    def _ignore_the_window_of_a_global_pooling(cls, given: object) -> object:
        """Leave out a kernel and a stride of zeros, which coremltools writes for a global pooling."""
        if not isinstance(given, dict) or given.get("global_pooling") is not True:
            return given
        return {
            field: value
            for field, value in given.items()
            if field not in ("kernel_size", "stride") or not _is_numbers(value)
        }

    summary: ClassVar[str] = "Pooling over height and width."
    proto_path: ClassVar[str] = "pooling"
    min_rank: ClassVar[int] = 4
    passes_gradient: ClassVar[bool] = True

    def kernel(self, shape: Shape) -> Pair:
        """The window's height and width on an input of `shape` (..., C, H, W)."""
        if self.global_pooling:
            return shape[-2], shape[-1]
        assert self.kernel_size is not None
        return self.kernel_size

    def strides(self) -> Pair:
        """The steps of the window, down and across."""
        return (1, 1) if self.global_pooling else self.stride

    def pads(self, shape: Shape) -> tuple[Pair, Pair]:
        """The padding ((top, bottom), (left, right)) of an input of `shape` (..., C, H, W)."""
        if self.global_pooling:
            return (0, 0), (0, 0)
        _, h, w = image_of(shape)
        kernel = self.kernel(shape)
        return (
            self.padding.added(0, h, kernel[0], self.stride[0]),
            self.padding.added(1, w, kernel[1], self.stride[1]),
        )

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for a window that is missing, does not fit, or contains only padding."""
        if self.global_pooling:
            return
        if self.kernel_size is None:
            yield Fault("/kernel_size", 'is required: [height, width], or "global_pooling": true')
            return
        for axis, (name, size) in enumerate(zip(("high", "wide"), image_of(inputs[0])[1:], strict=True)):
            kernel, stride = self.kernel_size[axis], self.stride[axis]
            added = self.padding.added(axis, size, kernel, stride)
            positions = self.padding.positions(axis, size, kernel, stride)
            field = "amounts" if self.padding.type == "include_last_pixel" else "borders"
            if positions < 1:
                yield Fault(
                    f"/kernel_size/{axis}",
                    f"found a kernel {kernel} {name}; the padded input is {size + sum(added)} {name} and must hold it",
                )
            elif added[0] >= kernel or (positions - 1) * stride - added[0] >= size:
                yield Fault(
                    f"/padding/{field}/{axis}",
                    f"found {list(added)}; a kernel {kernel} {name} needs less, or a window would hold only padding",
                )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., C, H', W')."""
        if self.global_pooling:
            return ((*inputs[0][:-2], 1, 1),)
        _, h, w = image_of(inputs[0])
        kernel = self.kernel(inputs[0])
        return (
            (
                *inputs[0][:-2],
                self.padding.positions(0, h, kernel[0], self.stride[0]),
                self.padding.positions(1, w, kernel[1], self.stride[1]),
            ),
        )

    def write(self, message: Message) -> None:
        """Write every field."""
        message.type = _TYPES[self.pooling_type]
        message.kernelSize.extend(self.kernel_size or ())
        message.stride.extend(self.stride)
        write_padding(self.padding, message)
        message.avgPoolExcludePadding = self.avg_pool_exclude_padding
        message.globalPooling = self.global_pooling

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The fields; fields that a message leaves out get the proto's default (kernel 3, stride 1).

        A global pooling ignores kernel and stride. Source: NeuralNetwork.proto, `globalPooling`.
        """
        window: dict[str, object] = (
            {}
            if message.globalPooling
            else {"kernel_size": read_pair(message.kernelSize, 3), "stride": read_pair(message.stride, 1)}
        )
        return {
            "pooling_type": name_of(message.type, _TYPES, "pooling type"),
            **window,
            "padding": read_padding(message, message.WhichOneof("PoolingPaddingType")),
            "avg_pool_exclude_padding": message.avgPoolExcludePadding,
            "global_pooling": message.globalPooling,
        }


def _is_numbers(value: object) -> bool:
    """Whether `value` is a list of non-negative integers."""
    return isinstance(value, list | tuple) and all(
        isinstance(number, int) and not isinstance(number, bool) and number >= 0 for number in value
    )
