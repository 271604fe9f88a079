"""What is wrong with a layer of some fields, and with the blobs that it reads."""

from collections.abc import Sequence
from math import nan
from typing import Any

import numpy as np
import pytest

from pippin.models.spec import Shape
from pippin.models.spec.layers.recurrent import BiDirectionalLSTM
from pippin.models.spec.recurrent import MAX_STEPS
from pippin.models.spec.table import LAYERS
from tests.support.specs import DENSE, faults_of, small_spec

IMAGE: Shape = (1, 1, 3, 4, 5)
SEQUENCE: Shape = (2, 1, 3, 4, 5)
BOXES: Shape = (7, 1, 4, 1, 1)
SIX_CHANNELS: Shape = (1, 1, 6, 4, 3)
VECTORS: Shape = (7, 1, 2, 1, 1)
STATE: Shape = (1, 1, 3, 1, 1)


def reads(*inputs: Shape, **fields: object) -> tuple[tuple[Shape, ...], dict[str, object]]:
    """The shapes of what a layer reads, and the fields that concern the fault."""
    return inputs, fields


def image(channels: int, height: int = 1, width: int = 1) -> Shape:
    return (1, 1, channels, height, width)


def borders(*pairs: list[int]) -> dict[str, object]:
    return {"type": "valid", "borders": list(pairs)}


def ones(names: Sequence[str], channels: int = 2) -> dict[str, object]:
    """Arrays of ones by name, for a recurrent layer of three units."""
    shapes = {"weight_matrix": (3, channels), "recursion_matrix": (3, 3)}
    return {
        name: np.ones(next((shape for end, shape in shapes.items() if name.endswith(end)), (3,))).tolist()
        for name in names
    }


SIGMOID, TANH = {"type": "sigmoid"}, {"type": "tanh"}
LSTM = {"output_vector_size": 3, "activations": (SIGMOID, TANH, TANH)}
# What a layer needs besides the fields that concern the fault.
REQUIRED: dict[str, dict[str, Any]] = {
    "convolution": {"output_channels": 6, "kernel_size": (3, 2)},
    "pooling": {"pooling_type": "max", "kernel_size": (2, 3)},
    "inner_product": {"output_channels": 2},
    "deconvolution": {"output_channels": 4, "kernel_size": (3, 2)},
    "embedding": {"input_dim": 3, "output_channels": 2},
    "crop_resize": {"target_size": (2, 2)},
    "simple_recurrent": {"output_vector_size": 3, "activation": TANH},
    "gru": {"output_vector_size": 3, "activations": (SIGMOID, TANH)},
    "uni_directional_lstm": LSTM,
    "bi_directional_lstm": LSTM,
}
UNALIGNED = "/fractional_scaling_factor: found it without bilinear and aligned corners, true or false; needs both"
ALIGNED: dict[str, Any] = {"mode": "bilinear", "linear_upsample_mode": "align_corners_true"}
ARRAYS = ones(("weight_matrix", "recursion_matrix", "bias_vector"))
LSTM_ARRAYS = ones(BiDirectionalLSTM.model_validate({"name": "layer"} | LSTM).array_names)

# By the layer's type, and the pointer and the detail of each of its faults.
FAULTS = {
    "convolution /kernel_channels: found 3; the input's channels require 4": reads((4, 9, 9), kernel_channels=3),
    (
        "convolution /input: found 6 channels; 4 groups need a multiple of them\n"
        "/output_channels: found 6 channels; 4 groups need a multiple of them"
    ): reads(image(6, 9, 9), groups=4),
    (
        "convolution /kernel_size/0: found a kernel 3 high; the padded input is 2 high and must hold it\n"
        "/kernel_size/1: found a kernel 2 wide; the padded input is 1 wide and must hold it"
    ): reads(image(1, 2, 1)),
    "convolution /kernel_size/0: found a kernel 9 high; the padded input is 8 high and must hold it": reads(
        image(1, 8, 8), dilation=(4, 1)
    ),
    "convolution /weights/0: found a list of 1; needs one of 2 (shape [2, 1, 2] from here)": reads(
        image(2, 3, 3), output_channels=1, kernel_size=(1, 2), weights=[[[[1, 2.5]]]], bias=[0]
    ),
    (
        "convolution /weights: found a list of 2; needs one of 1 (shape [1, 1, 1, 2] from here)\n"
        "/bias: found a list of 2; needs one of 1 (shape [1] from here)"
    ): reads(image(1, 3, 3), output_channels=1, kernel_size=(1, 2), weights=[1, 2], bias=[0, 0]),
    "convolution /bias: found a bias although has_bias is false; remove one of the two": reads(
        image(1, 9, 9), has_bias=False, bias=[0] * 6
    ),
    'pooling /kernel_size: is required: [height, width], or "global_pooling": true': reads(
        image(5, 7, 8), kernel_size=None
    ),
    (
        "pooling /kernel_size/0: found a kernel 2 high; the padded input is 1 high and must hold it\n"
        "/kernel_size/1: found a kernel 3 wide; the padded input is 2 wide and must hold it"
    ): reads(image(1, 1, 2)),
    (
        "pooling /padding/borders/1: found [3, 0]; a kernel 3 wide needs less, or a window would hold only padding"
    ): reads(image(1, 9, 9), padding=borders([0, 1], [3, 0])),
    (
        "pooling /padding/borders/0: found [0, 2]; a kernel 2 high needs less, or a window would hold only padding"
    ): reads(image(1, 9, 9), padding=borders([0, 2], [0, 2])),
    # Three windows of two rows, three apart: the last begins where six rows end.
    (
        "pooling /padding/amounts/0: found [0, 2]; a kernel 2 high needs less, or a window would hold only padding"
    ): reads(image(1, 6, 9), stride=(3, 1), padding={"type": "include_last_pixel", "amounts": [0, 0]}),
    "inner_product /input: found a blob of shape [1, 2048, 2048, 2048]; needs at most 2147483648 numbers": reads(
        (1, 2**11, 2**11, 2**11)
    ),
    "inner_product /input_channels: found 6; the input has 7": reads((7,), input_channels=6),
    "inner_product /weights: found a list of 1; needs one of 2 (shape [2, 2] from here)": reads((2,), weights=[[1, 2]]),
    "inner_product /weights/1: found a list of 1; needs one of 2 (shape [2] from here)": reads(
        (2,), weights=[[1, 2], [3]]
    ),
    "inner_product /weights/1: found 3; needs a list of 2 (shape [2] from here)": reads((2,), weights=[[1, 2], 3]),
    **{
        f"inner_product /weights/1/1: found {number!r}; needs a finite number that a float32 can hold": reads(
            (2,), weights=[[1, 2], [3, number]]
        )
        for number in ("4", True, None, nan, -1e39, [4])
    },
    "add /alpha: is required with a single input blob": reads(IMAGE),
    "multiply /alpha: found 2.5 with 2 blobs; it is allowed with one blob only: remove it": reads(
        IMAGE, IMAGE, alpha=2.5
    ),
    "add /input/1: found a blob of shape [2]; needs [3, 4, 5] or [3] or [1, 4, 5] or [1]": reads(IMAGE, image(2)),
    "max /input/0: found a blob of shape [3, 1, 5]; needs [3, 4, 5] or [3] or [1, 4, 5] or [1]": reads(
        image(3, 1, 5), IMAGE
    ),
    (
        "average /input/0: found a blob of shape [3, 4, 5]; "
        "needs [2, 3, 4, 5] or [2, 3, 1, 1] or [2, 1, 4, 5] or [2, 1, 1, 1]"
    ): reads(IMAGE, SEQUENCE),
    "multiply /input/1: found a blob of shape [1, 5]; needs [4, 5]": reads((4, 5), (1, 5)),
    "average /input/1: found a blob of shape [2, 3, 4, 5], rank 4; needs rank 3, as the first has": reads(
        (3, 4, 5), (2, 3, 4, 5)
    ),
    (
        "dot /input/0: found a blob of shape [3, 1, 5]; needs a vector: flatten first\n"
        "/input/1: found a blob of shape [3, 1, 5]; needs a vector: flatten first"
    ): reads(image(3, 1, 5), image(3, 1, 5)),
    "dot /input/1: found a blob of shape [4]; needs that of the first, [3]": reads(image(3), image(4)),
    "reduce /axis: found 'hw'; argmax needs 'c', 'h' or 'w'": reads(IMAGE, mode="argmax", axis="hw"),
    "reduce /input: found a blob of shape [4, 5], rank 2; reduce over c needs rank 3 or more": reads(
        (4, 5), mode="sum", axis="c"
    ),
    "reduce /input: found a blob of shape [5], rank 1; reduce over hw needs rank 2 or more": reads(
        (5,), mode="sum", axis="hw"
    ),
    "bias /shape: found [3, 1, 1]; the input needs [1] or [3] or [1, 4, 5] or [3, 4, 5]": reads(IMAGE, shape=(3, 1, 1)),
    "bias /bias: found a list of 2; needs one of 3 (shape [3] from here)": reads(IMAGE, shape=(3,), bias=[1, 2]),
    (
        "scale /shape_scale: found [4, 5]; the input needs [1] or [3] or [1, 4, 5] or [3, 4, 5]\n"
        "/shape_bias: found [5]; the input needs [1] or [3] or [1, 4, 5] or [3, 4, 5]"
    ): reads(IMAGE, shape_scale=(4, 5), has_bias=True, shape_bias=(5,)),
    (
        "scale /shape_bias: found a shape although has_bias is false; remove one of the two\n"
        "/bias: found a bias although has_bias is false; remove one of the two"
    ): reads(IMAGE, shape_scale=(3,), shape_bias=(3,), bias=[1, 2, 3]),
    "load_constant /data/1/0/0: found '2'; needs a finite number that a float32 can hold": reads(
        shape=(2, 1, 1), data=[[[1]], [["2"]]]
    ),
    "prelu /alpha: found a list of 2; needs one of 3 (shape [3] from here)": reads(IMAGE, alpha=[1, 2]),
    "parametric_softplus /beta: found a list of 3; needs one of 1 (shape [1] from here)": reads(
        IMAGE, beta=[1, 2, 3], shared_beta=True
    ),
    "deconvolution /input: found 6 channels; 4 groups need a multiple of them": reads(SIX_CHANNELS, groups=4),
    "deconvolution /output_channels: found 4 channels; 3 groups need a multiple of them": reads(SIX_CHANNELS, groups=3),
    "deconvolution /kernel_channels: found 3; the input has 6 channels": reads(
        SIX_CHANNELS, kernel_channels=3, groups=2
    ),
    "deconvolution /padding/borders/0: found [3, 3]; of 6 rows at least one must be left": reads(
        SIX_CHANNELS, padding=borders([3, 3], [1, 2])
    ),
    "deconvolution /padding/borders/1: found [2, 3]; of 4 columns at least one must be left": reads(
        SIX_CHANNELS, stride=(9, 1), padding=borders([3, 3], [2, 3])
    ),
    "deconvolution /weights: found a list of 5; needs one of 6 (shape [6, 1, 3, 2] from here)": reads(
        SIX_CHANNELS, output_channels=1, weights=[[[[0, 0]] * 3]] * 5
    ),
    "deconvolution /bias: found a bias although has_bias is false; remove one of the two": reads(
        SIX_CHANNELS, has_bias=False, bias=[0] * 4
    ),
    "embedding /input: found a blob of shape [6, 4, 3]; needs C, H and W of 1: one index per place": reads(
        SIX_CHANNELS
    ),
    "embedding /weights/0: found a list of 2; needs one of 3 (shape [3] from here)": reads(
        (5, 1, 1, 1, 1), weights=[[1, 2], [3, 4]]
    ),
    "batchnorm /channels: found 5; the input has 6": reads(SIX_CHANNELS, channels=5),
    "batchnorm /gamma: found a list of 2; needs one of 6 (shape [6] from here)": reads(SIX_CHANNELS, gamma=[1, 2]),
    (
        "batchnorm /mean: found a mean although compute_mean_var is true; remove one of the two\n"
        "/variance: found a variance although compute_mean_var is true; remove one of the two"
    ): reads(SIX_CHANNELS, compute_mean_var=True, mean=[0] * 6, variance=[1] * 6),
    "permute /axis: found [0, 1, 1, 3]; needs each of 0, 1, 2 and 3 once": reads(IMAGE, axis=(0, 1, 1, 3)),
    ("reshape /target_shape: found [3, 4, 6], which has 72 numbers for a blob of shape [3, 4, 5]; needs 60"): reads(
        IMAGE, target_shape=(3, 4, 6)
    ),
    (
        "reshape /target_shape: found [1, 3, 4, 5], which has 60 numbers for a blob of shape [2, 3, 4, 5]; needs 120"
    ): reads(SEQUENCE, target_shape=(1, 3, 4, 5)),
    "concat /input/2: found a blob of shape [3, 5, 5]; after one of [3, 4, 5] only the channels may differ": reads(
        IMAGE, IMAGE, image(3, 5, 5)
    ),
    "concat /input/1: found a blob of shape [2, 3, 4, 5]; after one of [3, 4, 5] only the channels may differ": reads(
        IMAGE, SEQUENCE
    ),
    "concat /input/1: found a blob of shape [1, 3, 4, 5]; after one of [3, 4, 5] only the channels may differ": reads(
        (3, 4, 5), (1, 3, 4, 5)
    ),
    "concat /input/1: found a blob of shape [2, 4, 5]; after one of [3, 4, 5] only the sequence may differ": reads(
        IMAGE, image(2, 4, 5), sequence_concat=True
    ),
    "concat /sequence_concat: found true for blobs of rank 4; a sequence is an axis of blobs of rank 5": reads(
        (2, 3, 4, 5), (2, 3, 4, 5), sequence_concat=True
    ),
    "split /input: found 3 channels; 2 outputs need a multiple of them": reads(IMAGE, output=("a", "b")),
    "split /n_outputs: found 2; the layer names 3 outputs": reads(IMAGE, output=("a", "b", "c"), n_outputs=2),
    "slice /axis: found 'channel' of a blob of shape [4, 5], rank 2; needs rank 3 or more": reads(
        (4, 5), axis="channel", end_index=1
    ),
    "slice /start_index: found 4; the axis has 4": reads(IMAGE, axis="height", start_index=4, end_index=5),
    "slice /start_index: found -5; the axis has 4": reads(IMAGE, axis="height", start_index=-5, end_index=4),
    "slice /end_index: found 6; the axis has 5": reads(IMAGE, axis="width", end_index=6),
    "slice /end_index: found -5; the axis has 5": reads(IMAGE, axis="width", end_index=-5),
    "slice /end_index: found -2; it must come after where the slice starts, at 3": reads(
        IMAGE, axis="width", start_index=3, end_index=-2
    ),
    "crop /borders: is required with 1 input: [[top, bottom], [left, right]]": reads(IMAGE),
    "crop /offset: is required with 2 inputs: [height, width]": reads(IMAGE, IMAGE, borders=((0, 0), (0, 0))),
    (
        "crop /borders/0: found 2 and 2; of the input's 4 rows one or more must be left\n"
        "/borders/1: found 0 and 6; of the input's 5 columns one or more must be left"
    ): reads(IMAGE, borders=((2, 2), (0, 6))),
    "crop /offset/1: found 3; with the second input's 4 columns it is 7, the first has 5": reads(
        IMAGE, image(1, 4, 4), offset=(0, 3)
    ),
    "crop /input/1: found a blob of rank 4; needs rank 3, the first one's": reads(
        (3, 4, 5), (1, 3, 4, 5), offset=(0, 0)
    ),
    (
        "padding /borders/0: found [4, 0]; an input 4 high reflects less than that\n"
        "/borders/1: found [0, 9]; an input 5 wide reflects less than that"
    ): reads(IMAGE, padding_type="reflection", borders=((4, 0), (0, 9))),
    "padding /value: found 1.5, which replication does not use; leave it out": reads(
        IMAGE, padding_type="replication", value=1.5, borders=((1, 1), (1, 1))
    ),
    "upsample /linear_upsample_mode: found 'align_corners_true'; only bilinear has such a mode": reads(
        IMAGE, linear_upsample_mode="align_corners_true"
    ),
    f"upsample {UNALIGNED}": reads(IMAGE, fractional_scaling_factor=(1.5, 1.5), mode="bilinear"),
    "upsample /fractional_scaling_factor: found both this and scaling_factor; remove one of the two": reads(
        IMAGE, **ALIGNED, fractional_scaling_factor=(1.5, 1.5), scaling_factor=(2, 2)
    ),
    (
        "upsample /fractional_scaling_factor/0: found 0.0; of the input's 4 rows one or more must be left\n"
        "/fractional_scaling_factor/1: found 0.19; of the input's 5 columns one or more must be left"
    ): reads(IMAGE, **ALIGNED, fractional_scaling_factor=(0.0, 0.19)),
    "crop_resize /input/0: found images of shape [2, 3, 4, 5], a sequence of 2; needs one of 1": reads(SEQUENCE, BOXES),
    "crop_resize /input/1: found boxes of shape [1, 1, 7, 4, 1]; needs [N, 1, 4, 1, 1] or [N, 1, 5, 1, 1]": reads(
        IMAGE, image(7, 4)
    ),
    "crop_resize /input/0: found 2 images in a batch; boxes of 5 coordinates need just 1": reads(
        (1, 2, 3, 4, 5), (7, 1, 5, 1, 1)
    ),
    "crop_resize /spatial_scale: found 0.0; needs more than 0": reads(IMAGE, BOXES, spatial_scale=0.0),
    "reorganize_data /block_size: found 2; it must divide the input's 4 rows and 5 columns": reads(
        IMAGE, mode="space_to_depth", block_size=2
    ),
    "reorganize_data /block_size: found 2; its square, 4, must divide the input's 6 channels": reads(
        image(6, 4, 5), mode="depth_to_space", block_size=2
    ),
    "reorganize_data /block_size: found 3; its square, 9, must divide the input's 3 channels": reads(
        IMAGE, mode="pixel_shuffle", block_size=3
    ),
    "gru /input: found a blob of shape [7, 2, 1, 4]; gru needs a sequence of vectors, [sequence, 1, C, 1, 1]": reads(
        (7, 1, 2, 1, 4)
    ),
    (
        "uni_directional_lstm /input: found a blob of shape [7, 5, 2, 1, 1]; "
        "uni_directional_lstm needs a sequence of vectors, [sequence, 1, C, 1, 1]"
    ): reads((7, 5, 2, 1, 1)),
    (
        "gru /input: found a blob of shape [7, 1, 2, 1, 1, 1]; gru needs a sequence of vectors, [sequence, 1, C, 1, 1]"
    ): reads((7, 1, 2, 1, 1, 1)),
    "gru /input: found a sequence of 4097; needs at most 4096": reads((MAX_STEPS + 1, 1, 2, 1, 1)),
    "gru /input_vector_size: found 4; the input has 2": reads(VECTORS, input_vector_size=4),
    (
        "bi_directional_lstm /input/2: found a blob of shape [6]; a state here is [3]\n"
        "/input/3: found a blob of shape [7, 2, 1, 1]; a state here is [3]"
    ): reads(VECTORS, STATE, (1, 1, 6, 1, 1), VECTORS),
    (
        "simple_recurrent /weights/bias_vektor: there is no array 'bias_vektor' in this layer; "
        "did you mean 'bias_vector'?"
    ): reads(VECTORS, STATE, weights=ARRAYS | {"bias_vektor": [1.0]}),
    "simple_recurrent /weights/bias_vector: there is no array 'bias_vector' in this layer": reads(
        VECTORS, STATE, weights=ARRAYS, has_bias_vector=False
    ),
    (
        "simple_recurrent /weights/recursion_matrix: is required: an array of shape [3, 3], as `weights` has others"
    ): reads(VECTORS, STATE, weights=ones(("weight_matrix", "bias_vector"))),
    ("simple_recurrent /weights/weight_matrix/0: found a list of 5; needs one of 2 (shape [2] from here)"): reads(
        VECTORS, STATE, weights=ones(("weight_matrix", "recursion_matrix", "bias_vector"), channels=5)
    ),
    (
        "bi_directional_lstm /weights/backward/input_gate_bias_vector/2: "
        "found '3'; needs a finite number that a float32 can hold"
    ): reads(
        VECTORS, weights={"forward": LSTM_ARRAYS, "backward": LSTM_ARRAYS | {"input_gate_bias_vector": [1, 2, "3"]}}
    ),
}


def faults_in(kind: str, inputs: Sequence[Shape], fields: dict[str, object]) -> list[str]:
    layer = LAYERS[kind].model_validate({"name": "layer"} | REQUIRED.get(kind, {}) | fields)
    return [f"{fault.pointer}: {fault.detail}" for fault in layer.faults(tuple(inputs))]


@pytest.mark.parametrize("faults", FAULTS)
def test_fault_states_the_value_and_what_is_needed(faults: str) -> None:
    kind, _, details = faults.partition(" ")
    assert sorted(faults_in(kind, *FAULTS[faults])) == sorted(details.split("\n"))


def test_fractional_factor_needs_the_bilinear_mode() -> None:
    assert faults_in("upsample", *reads(IMAGE, fractional_scaling_factor=(1.5, 1.5))) == [UNALIGNED]


def test_many_unknown_arrays_get_few_faults() -> None:
    weights = ARRAYS | {f"array_{number}": [] for number in range(1000)}
    assert len(faults_in("simple_recurrent", *reads(VECTORS, STATE, weights=weights))) == 3


def document(before: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """A model of RANK5 arrays that reads boxes from a vector."""
    return small_spec(
        inputs=[{"name": "image", "shape": [3, 4, 5]}, {"name": "numbers", "shape": [28]}],
        outputs=[{"name": "y"}],
        layers=[
            {"name": "before", "input": "numbers", "output": "boxes"} | before,
            {"name": "layer", "input": ["image", "boxes"], "output": "cut"} | layer,
            DENSE | {"input": "cut", "output": "y"},
        ],
        loss={"type": "mean_squared_error"},
    )


RESHAPE = {"type": "reshape", "target_shape": [7, 4, 1, 1]}
CROP = {"type": "crop_resize", "target_size": [2, 2]}


@pytest.mark.parametrize(
    ("before", "layer", "faults"),
    [
        (RESHAPE, CROP, {}),
        (
            {"type": "reshape", "target_shape": [7, 4, -1, 1]},
            CROP,
            {"/layers/0/target_shape/2": "found -1; needs 1 or more"},
        ),
        (
            {"type": "reshape", "target_shape": [7, 4]},
            CROP,
            {"/layers/0/target_shape": "found [7, 4]; needs at least 3 entry"},
        ),
        (RESHAPE, CROP | {"input": "image"}, {"/layers/1/input": "found 1 blobs; crop_resize needs 2"}),
        (RESHAPE, {"type": "concat", "input": "image"}, {"/layers/1/input": "found 1 blobs; concat needs 2 to 1000"}),
        (RESHAPE, {"type": "split", "input": "image"}, {"/layers/1/output": "found 1 blobs; split needs 2 to 1000"}),
        (
            RESHAPE,
            {"type": "slice", "axis": "width", "end_index": 1, "stride": 0, "input": "image"},
            {"/layers/1/stride": "found 0; needs 1 or more"},
        ),
        (
            RESHAPE,
            {"type": "reorganize_data", "mode": "pixel_shuffle", "block_size": 1, "input": "image"},
            {"/layers/1/block_size": "found 1; needs 2 or more"},
        ),
        (
            RESHAPE,
            {"type": "sequence_repeat", "n_repetitions": 2**31, "input": "image"},
            {
                "/layers/1": "outputs a blob of shape [2147483648, 3, 4, 5], which is 128849018880 numbers; "
                "at most 2147483648 are allowed"
            },
        ),
    ],
)
def test_model_with_shape_layers_gets_faults(
    before: dict[str, Any], layer: dict[str, Any], faults: dict[str, str]
) -> None:
    assert faults_of(document(before, layer)) == faults
