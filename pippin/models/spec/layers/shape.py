"""Layers that rearrange numbers: flatten, reshape, permute, reorganize, repeat, concatenate, split."""

from collections.abc import Iterator
from math import prod
from typing import Annotated, ClassVar, Final, Literal, Self

from pydantic import Field

from pippin.errors import Fault
from pippin.models.spec.layer import RANK_RULE, Layer, Message, name_of
from pippin.models.spec.shapes import image_of, shape_text
from pippin.models.spec.values import Dimension, Flag, Shape

# Enum values of `FlattenLayerParams.FlattenOrder` and `ReshapeLayerParams.ReshapeOrder`.
_ORDERS = {"channel_first": 0, "channel_last": 1}


class Flatten(Layer):
    """`FlattenLayerParams` (version 1): [..., C, H, W] to [..., C·H·W, 1, 1]; a vector stays as it is."""

    type: Literal["flatten"] = "flatten"
    mode: Literal["channel_first", "channel_last"] = Field(
        default="channel_last", description="channel_first keeps the order C, H, W; channel_last makes it H, W, C."
    )

    summary: ClassVar[str] = "Flatten: the last three axes become one."
    proto_path: ClassVar[str] = "flatten"
    min_rank: ClassVar[int] = 3
    passes_gradient: ClassVar[bool] = True

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The last three axes flattened to channels."""
        return ((*inputs[0][:-3], prod(inputs[0][-3:]), 1, 1),)

    def write(self, message: Message) -> None:
        """Write the order."""
        message.mode = _ORDERS[self.mode]

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The order."""
        return {"mode": name_of(message.mode, _ORDERS, "flatten mode")}


class Reshape(Layer):
    """`ReshapeLayerParams` (version 1): [Seq, B, C, H, W] to [Seq', B, C', H', W'] with as many numbers."""

    type: Literal["reshape"] = "reshape"
    target_shape: tuple[Dimension, ...] = Field(
        min_length=3, max_length=4, description="[C, H, W], which keeps the sequence's length, or [Seq, C, H, W]."
    )
    mode: Literal["channel_first", "channel_last"] = Field(
        default="channel_first",
        description="channel_first goes through the numbers in the order C, H, W; channel_last in the order H, W, C.",
    )

    summary: ClassVar[str] = "Reshape: the same numbers in another shape."
    proto_path: ClassVar[str] = "reshape"
    min_rank: ClassVar[int] = 5

    def target(self, sequence: int) -> tuple[int, int, int, int]:
        """(Seq', C', H', W') of an input with a sequence of this length."""
        channels, height, width = image_of(self.target_shape)
        return self.target_shape[0] if len(self.target_shape) == 4 else sequence, channels, height, width

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """A fault if the target shape has another size than the input."""
        shape = inputs[0]
        size, needed = prod(self.target(shape[0])), shape[0] * prod(image_of(shape))
        if size != needed:
            yield Fault(
                "/target_shape",
                f"found {list(self.target_shape)}, which has {size} numbers for a blob of shape {shape_text(shape)}; "
                f"needs {needed}",
            )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(Seq', B, C', H', W')."""
        sequence, batch, *_ = inputs[0]
        channels, *image = self.target(sequence)
        return ((channels, batch, *image),)

    def write(self, message: Message) -> None:
        """Write the shape and the order."""
        message.targetShape.extend(self.target_shape)
        message.mode = _ORDERS[self.mode]

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The shape and the order."""
        target = list(message.targetShape)
        if any(length < 1 for length in target):
            raise ValueError(f"found target shape {target}; needs lengths of 1 or more; no length is inferred")
        return {"target_shape": target, "mode": name_of(message.mode, _ORDERS, "reshape mode")}


_Axis = Annotated[int, Field(strict=True, ge=0, le=3)]

# The positions of sequence, C, H and W in a shape; the axis of the batch is not permuted.
_PLACES = (0, 2, 3, 4)


class Permute(Layer):
    """`PermuteLayerParams` (version 1): [Seq, B, C, H, W] to the same with all axes except B in another order.

    Axis k of the output is axis `axis[k]` of the input, both counted without B: [0, 3, 1, 2] makes [Seq, B, W, C, H].
    """

    type: Literal["permute"] = "permute"
    axis: tuple[_Axis, _Axis, _Axis, _Axis] = Field(
        description="[first, second, third, fourth]: the input's axes in their new order, each of 0 Seq, 1 C, 2 H and "
        "3 W once."
    )

    summary: ClassVar[str] = "Permute: the axes in another order."
    proto_path: ClassVar[str] = "permute"
    min_rank: ClassVar[int] = 5

    @property
    def order(self) -> tuple[int, int, int, int, int]:
        """The axis of the input for each axis of the output."""
        sequence, channels, height, width = (_PLACES[axis] for axis in self.axis)
        return sequence, 1, channels, height, width

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:  # noqa: ARG002 - any shape of the rank will do
        """A fault if an axis is listed twice."""
        if len(set(self.axis)) < 4:
            yield Fault("/axis", f"found {list(self.axis)}; needs each of 0, 1, 2 and 3 once")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The input's lengths in the new order."""
        return (tuple(inputs[0][place] for place in self.order),)

    def write(self, message: Message) -> None:
        """Write the order."""
        message.axis.extend(self.axis)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The order, which a file must state. Source: NeuralNetworkLayerValidator.cpp, `validatePermuteLayer`."""
        return {"axis": list(message.axis)}


# Enum values of `ReorganizeDataLayerParams.ReorganizationType`.
_MODES = {"space_to_depth": 0, "depth_to_space": 1, "pixel_shuffle": 2}


class ReorganizeData(Layer):
    """`ReorganizeDataLayerParams` (version 1, pixel_shuffle 5): blocks of b·b cells to as many channels, or back.

    space_to_depth makes [..., C, H, W] to [..., C·b·b, H / b, W / b], the others to [..., C / (b·b), H·b, W·b].
    """

    type: Literal["reorganize_data"] = "reorganize_data"
    mode: Literal["space_to_depth", "depth_to_space", "pixel_shuffle"] = Field(
        description="pixel_shuffle is depth_to_space with the channels of a block next to each other."
    )
    block_size: Annotated[int, Field(strict=True, ge=2, le=2**16)] = Field(description="Height and width of a block.")

    summary: ClassVar[str] = "Reorganization: moves data between the channels and the height and width."
    proto_path: ClassVar[str] = "reorganizeData"
    min_rank: ClassVar[int] = 3
    newer_option: ClassVar[str] = "mode"

    @property
    def version_needed(self) -> int:
        """5 for pixel_shuffle, else 1."""
        return 5 if self.mode == "pixel_shuffle" else 1

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """A fault if the blocks do not divide the image or its channels evenly."""
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


class SequenceRepeat(Layer):
    """`SequenceRepeatLayerParams` (version 1): [Seq, B, C, H, W] to [n_repetitions·Seq, B, C, H, W]."""

    type: Literal["sequence_repeat"] = "sequence_repeat"
    n_repetitions: Dimension = Field(default=1, description="Number of repetitions.")

    summary: ClassVar[str] = "Sequence repetition: repeats the whole sequence."
    proto_path: ClassVar[str] = "sequenceRepeat"
    min_rank: ClassVar[int] = 5

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(n_repetitions·Seq, B, C, H, W)."""
        sequence, *rest = inputs[0]
        return ((self.n_repetitions * sequence, *rest),)

    def write(self, message: Message) -> None:
        """Write the number of repetitions."""
        message.nRepetitions = self.n_repetitions

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The number of repetitions; 0 is 1."""
        return {"n_repetitions": message.nRepetitions or 1}


class Concat(Layer):
    """`ConcatLayerParams` (version 1): [..., C1, H, W], [..., C2, H, W], ... to [..., C1 + C2 + ..., H, W].

    Along the sequence it is [Seq1, B, C, H, W], [Seq2, B, C, H, W], ... to [Seq1 + Seq2 + ..., B, C, H, W].
    """

    type: Literal["concat"] = "concat"
    sequence_concat: Flag = Field(
        default=False, description="Whether the blobs are concatenated along the sequence instead of the channels."
    )

    summary: ClassVar[str] = "Concatenation of blobs."
    proto_path: ClassVar[str] = "concat"
    input_count: ClassVar[tuple[int, int]] = (2, 1000)
    min_rank: ClassVar[int] = 3

    @property
    def axis(self) -> int:
        """The axis along which the blobs are concatenated."""
        return -5 if self.sequence_concat else -3

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for blobs that differ on another axis, or that have no sequence axis."""
        first = inputs[0]
        if len(first) < -self.axis:
            yield Fault(
                "/sequence_concat",
                f"found true for blobs of rank {len(first)}; a sequence is an axis of blobs of rank 5",
                RANK_RULE,
            )
            return
        along = "sequence" if self.sequence_concat else "channels"
        for place, shape in enumerate(inputs):
            if _others(shape, self.axis) != _others(first, self.axis):
                yield Fault(
                    f"/input/{place}",
                    f"found a blob of shape {shape_text(shape)}; after one of {shape_text(first)} only the {along} "
                    "may differ",
                )

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """The inputs' shape with the sum of their lengths along the axis."""
        shape = list(inputs[0])
        shape[self.axis] = sum(each[self.axis] for each in inputs)
        return (tuple(shape),)

    def write(self, message: Message) -> None:
        """Write the axis."""
        message.sequenceConcat = self.sequence_concat

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The axis."""
        return {"sequence_concat": message.sequenceConcat}


def _others(shape: Shape, axis: int) -> tuple[Shape, Shape]:
    """The lengths before and after `axis`, which is negative and counts from the end."""
    return shape[:axis], shape[len(shape) + axis + 1 :]


MAX_OUTPUTS: Final = 1000


class Split(Layer):
    """`SplitLayerParams` (version 1): [..., C, H, W] to `n_outputs` blobs [..., C / n_outputs, H, W]."""

    type: Literal["split"] = "split"
    n_outputs: Annotated[int, Field(strict=True, ge=2, le=MAX_OUTPUTS)] | None = Field(
        default=None, description="Number of output blobs: as many as `output` has names. Default: inferred."
    )

    summary: ClassVar[str] = "Split: the channels in equal parts."
    proto_path: ClassVar[str] = "split"
    output_count: ClassVar[tuple[int, int]] = (2, MAX_OUTPUTS)
    min_rank: ClassVar[int] = 3

    def faults(self, inputs: tuple[Shape, ...]) -> Iterator[Fault]:
        """Faults for an `n_outputs` other than the number of names, and for channels that it does not divide."""
        count, channels = len(self.output_names), inputs[0][-3]
        if self.n_outputs not in (None, count):
            yield Fault("/n_outputs", f"found {self.n_outputs}; the layer names {count} outputs")
        if channels % count:
            yield Fault("/input", f"found {channels} channels; {count} outputs need a multiple of them")

    def output_shapes(self, inputs: tuple[Shape, ...]) -> tuple[Shape, ...]:
        """(..., C / n_outputs, H, W) for each."""
        *front, channels, height, width = inputs[0]
        count = len(self.output_names)
        return ((*front, channels // count, height, width),) * count

    def completed(self, inputs: tuple[Shape, ...]) -> Self:  # noqa: ARG002 - the names alone decide
        """Fills in `n_outputs`."""
        return self.model_copy(update={"n_outputs": len(self.output_names)})

    def write(self, message: Message) -> None:
        """Write the number of outputs."""
        message.nOutputs = len(self.output_names)

    @classmethod
    def read(cls, message: Message) -> dict[str, object]:
        """The number of outputs."""
        return {"n_outputs": message.nOutputs}
