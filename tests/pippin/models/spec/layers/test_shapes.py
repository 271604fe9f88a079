"""What follows from a layer's fields and the shapes that it reads: its outputs, its arrays, the fields left out."""

from collections.abc import Sequence
from typing import Any

import pytest
from coremltools.proto import NeuralNetwork_pb2

from pippin.models.spec import Layer, Shape
from pippin.models.spec.layers.convolution import Convolution, Deconvolution
from pippin.models.spec.layers.elementwise import Add
from pippin.models.spec.layers.normalization import LRN
from pippin.models.spec.layers.pooling import Pooling
from pippin.models.spec.table import LAYERS
from pippin.models.spec.weighted import Parametric

IMAGE: Shape = (1, 1, 3, 4, 5)
SEQUENCE: Shape = (2, 1, 3, 4, 5)
SIX_CHANNELS: Shape = (1, 1, 6, 4, 3)
BOXES: Shape = (7, 1, 4, 1, 1)
VECTORS: Shape = (7, 1, 2, 1, 1)
STATE: Shape = (1, 1, 3, 1, 1)

SIGMOID, TANH = {"type": "sigmoid"}, {"type": "tanh"}
LSTM = {"output_vector_size": 3, "activations": (SIGMOID, TANH, TANH)}
# What a layer has besides the fields that matter.
REQUIRED: dict[str, dict[str, Any]] = {
    "convolution": {"output_channels": 6, "kernel_size": (3, 2)},
    "deconvolution": {"output_channels": 4, "kernel_size": (3, 2)},
    "inner_product": {"output_channels": 5},
    "pooling": {"pooling_type": "max", "kernel_size": (2, 3)},
    "simple_recurrent": {"output_vector_size": 3, "activation": TANH},
    "gru": {"output_vector_size": 3, "activations": (SIGMOID, TANH)},
    "uni_directional_lstm": LSTM,
    "bi_directional_lstm": LSTM,
}
ALIGNED: dict[str, Any] = {"mode": "bilinear", "linear_upsample_mode": "align_corners_true"}
ONE_KERNEL: dict[str, Any] = {"output_channels": 1, "kernel_size": (1, 2)}
ACROSS: dict[str, Any] = {"axis": "width"}


def layer_of(kind: str, **fields: object) -> Layer:
    return LAYERS[kind].model_validate({"name": "layer"} | REQUIRED.get(kind, {}) | fields)


def valid(*borders: list[int]) -> dict[str, Any]:
    return {"type": "valid", "borders": list(borders)}


def makes(kind: str, inputs: Sequence[Shape], outputs: Sequence[Shape], **fields: object) -> object:
    """A layer that makes blobs of these shapes of those."""
    described = ", ".join(f"{name} {value}" for name, value in fields.items())
    return pytest.param(layer_of(kind, **fields), tuple(inputs), tuple(outputs), id=f"{kind} {described} of {inputs}")


SHAPES = [
    makes("permute", [(2, 6, 3, 4, 5)], [(5, 6, 3, 4, 2)], axis=(3, 1, 2, 0)),
    makes("reshape", [SEQUENCE], [(2, 1, 5, 4, 3)], target_shape=(5, 4, 3)),
    makes("reshape", [SEQUENCE], [(6, 1, 5, 4, 1)], target_shape=(6, 5, 4, 1)),
    makes("concat", [IMAGE, (1, 1, 7, 4, 5)], [(1, 1, 10, 4, 5)]),
    makes("concat", [IMAGE, SEQUENCE], [(3, 1, 3, 4, 5)], sequence_concat=True),
    makes("split", [SEQUENCE], [(2, 1, 1, 4, 5)] * 3, output=("a", "b", "c")),
    makes("slice", [IMAGE], [(1, 1, 3, 4, 2)], **ACROSS, start_index=1, end_index=0, stride=3),
    makes("slice", [IMAGE], [(1, 1, 3, 4, 1)], **ACROSS, end_index=5, stride=2**31),
    makes("crop", [IMAGE], [(1, 1, 3, 1, 1)], borders=((1, 2), (0, 4))),
    makes("crop", [SEQUENCE, (1, 1, 9, 3, 3)], [(2, 1, 3, 3, 3)], offset=(1, 2)),
    makes("padding", [IMAGE], [(1, 1, 3, 7, 12)], borders=((1, 2), (3, 4))),
    makes("upsample", [SEQUENCE], [(2, 1, 3, 8, 15)], scaling_factor=(2, 3)),
    # Beyond 2**24 a float32 does not hold every whole number.
    makes("upsample", [(1, 2**24 + 1, 5)], [(1, 2**24 + 1, 5)]),
    # 0.29 * 100 is a little less than 29 in 64 bits, and 29 in the 32 bits that a file has.
    makes("upsample", [(3, 100, 5)], [(3, 29, 9)], fractional_scaling_factor=(0.29, 1.9), **ALIGNED),
    makes("resize_bilinear", [SEQUENCE], [(2, 1, 3, 9, 1)], target_size=(9, 1)),
    makes("crop_resize", [(1, 2, 3, 4, 5), BOXES], [(7, 2, 3, 9, 2)], target_size=(9, 2)),
    makes("crop_resize", [IMAGE, (7, 1, 5, 1, 1)], [(7, 1, 3, 9, 2)], target_size=(9, 2)),
    makes("sequence_repeat", [SEQUENCE], [(2**32, 1, 3, 4, 5)], n_repetitions=2**31),
    makes("reorganize_data", [(1, 1, 3, 4, 6)], [(1, 1, 12, 2, 3)], mode="space_to_depth", block_size=2),
    makes("reorganize_data", [(8, 4, 6)], [(2, 8, 12)], mode="pixel_shuffle", block_size=2),
    # 9 + 1 rows, a window spans 5, every second: 3. 8 + 2 columns, a window spans 4: 7.
    makes(
        "convolution",
        [(1, 1, 4, 9, 8)],
        [(1, 1, 6, 3, 7)],
        stride=(2, 1),
        dilation=(2, 3),
        padding=valid([1, 0], [0, 2]),
    ),
    makes("convolution", [(4, 9, 8)], [(6, 7, 7)]),
    makes("convolution", [(2, 3, 4, 9, 8)], [(2, 3, 6, 7, 7)]),
    makes("convolution", [(1, 9, 8)], [(6, 5, 3)], padding="same", stride=(2, 3)),
    makes("convolution", [(1, 1, 1, 2, 1)], [(1, 1, 6, 1, 1)], padding=valid([0, 1], [1, 0])),
    makes("convolution", [(1, 1, 1, 9, 8)], [(1, 1, 6, 1, 7)], dilation=(4, 1)),
    makes("convolution", [(1, 3, 3)], [(1, 3, 2)], **ONE_KERNEL, weights=[[[[1, 2.5]]]], bias=[0]),
    # Four rows three apart, the last with three of its own: 12; as many columns as strides and one more.
    makes("deconvolution", [SIX_CHANNELS], [(1, 1, 4, 12, 4)], stride=(3, 1)),
    makes("deconvolution", [SIX_CHANNELS], [(1, 1, 4, 9, 1)], stride=(3, 1), padding=valid([1, 2], [3, 0])),
    makes("deconvolution", [SIX_CHANNELS], [(1, 1, 4, 12, 12)], stride=(3, 4), padding="same"),
    makes("deconvolution", [SIX_CHANNELS], [(1, 1, 4, 2, 90)], stride=(3, 4), padding="same", output_shape=(2, 90)),
    makes("pooling", [(5, 7, 8)], [(5, 6, 6)]),
    makes("pooling", [(5, 7, 8)], [(5, 3, 3)], stride=(2, 2)),
    makes("pooling", [(5, 7, 8)], [(5, 4, 4)], stride=(2, 2), padding="same"),
    *(
        makes("pooling", [image], [(1, 1, 5, 1, 1)], global_pooling=True, kernel_size=ignored)
        for image in ((1, 1, 5, 7, 8), (1, 1, 5, 1, 2))
        for ignored in ((2, 3), None)
    ),
    makes("inner_product", [(7,)], [(5,)]),
    makes("inner_product", [(2, 7)], [(2, 5)]),
    makes("inner_product", [(2, 3, 7)], [(2, 3, 5)]),
    makes("inner_product", [(2, 7, 3, 4)], [(2, 5, 1, 1)]),
    makes("inner_product", [(2, 1, 7, 3, 4)], [(2, 1, 5, 1, 1)]),
    makes("inner_product", [(2,)], [(2,)], output_channels=2, weights=[[1, 2], [3, 4]]),
    makes("flatten", [IMAGE], [(1, 1, 60, 1, 1)]),
    makes("flatten", [(1, 1, 7, 1, 1)], [(1, 1, 7, 1, 1)]),
    makes("flatten", [SEQUENCE], [(2, 1, 60, 1, 1)]),
    makes("flatten", [(3, 4, 5)], [(60, 1, 1)]),
    *(
        makes(kind, [shape], [shape])
        for kind in ("relu", "sigmoid", "softmax", "tanh")
        for shape in (IMAGE, (1, 1, 7, 1, 1), (3, 4, 5))
    ),
    # The four ways of the proto to broadcast a blob, and both blobs smaller than what they make.
    *(makes("add", [(1, 1, *shape), IMAGE], [IMAGE]) for shape in ((1, 1, 1), (3, 1, 1), (1, 4, 5), (3, 4, 5))),
    makes("add", [(1, 1, 3, 1, 1), (1, 1, 1, 4, 5)], [IMAGE]),
    # The last step's output or all, then the states.
    makes("simple_recurrent", [VECTORS, STATE], [STATE, STATE]),
    makes("gru", [VECTORS], [(7, 1, 3, 1, 1), STATE], sequence_output=True),
    makes("uni_directional_lstm", [VECTORS], [STATE] * 3),
    makes("bi_directional_lstm", [VECTORS], [(1, 1, 6, 1, 1), *[STATE] * 4]),
    makes("bi_directional_lstm", [VECTORS], [(7, 1, 6, 1, 1), *[STATE] * 4], sequence_output=True),
]


@pytest.mark.parametrize(("layer", "inputs", "outputs"), SHAPES)
def test_output_shape_follows_the_format(layer: Layer, inputs: tuple[Shape, ...], outputs: tuple[Shape, ...]) -> None:
    assert list(layer.faults(inputs)) == []
    assert layer.output_shapes(inputs) == outputs


@pytest.mark.parametrize(
    ("layer", "shape", "arrays"),
    [
        (layer_of("convolution", groups=2), (4, 9, 9), {"weights": (6, 2, 3, 2), "bias": (6,)}),
        (layer_of("convolution", has_bias=False), (4, 9, 9), {"weights": (6, 4, 3, 2)}),
        (layer_of("deconvolution", groups=2), SIX_CHANNELS, {"weights": (6, 2, 3, 2), "bias": (4,)}),
        (layer_of("inner_product"), (2, 3, 7), {"weights": (5, 7), "bias": (5,)}),
        (layer_of("inner_product"), (2, 7, 3, 4), {"weights": (5, 84), "bias": (5,)}),
        (layer_of("inner_product"), (2, 1, 7, 3, 4), {"weights": (5, 84), "bias": (5,)}),
        (layer_of("inner_product", has_bias=False), (7,), {"weights": (5, 7)}),
        # One that computes its statistics stores none.
        (layer_of("batchnorm", compute_mean_var=True), SIX_CHANNELS, {"gamma": (6,), "beta": (6,)}),
        # One given number is that of all channels.
        (layer_of("prelu", alpha=[0.5]), IMAGE, {"alpha": (1,)}),
    ],
)
def test_arrays_have_the_shapes_of_the_file(layer: Layer, shape: Shape, arrays: dict[str, Shape]) -> None:
    assert dict(layer.weight_shapes((shape,))) == arrays


@pytest.mark.parametrize(
    ("kind", "flags", "count"),
    [
        ("uni_directional_lstm", {}, 12),
        ("uni_directional_lstm", {"has_bias_vectors": False}, 8),
        ("uni_directional_lstm", {"has_peephole_vectors": True}, 15),
        ("uni_directional_lstm", {"has_peephole_vectors": True, "coupled_input_and_forget_gate": True}, 15),
        ("bi_directional_lstm", {"has_peephole_vectors": True}, 30),
        ("gru", {}, 9),
        ("gru", {"has_bias_vectors": False}, 6),
        ("simple_recurrent", {}, 3),
        ("simple_recurrent", {"has_bias_vector": False}, 2),
    ],
)
def test_arrays_of_a_recurrent_layer_match_its_flags(kind: str, flags: dict[str, bool], count: int) -> None:
    assert len(layer_of(kind, **flags).weight_shapes((VECTORS,))) == count


@pytest.mark.parametrize(
    ("layer", "shape", "field", "value"),
    [
        (layer_of("convolution", groups=2), (4, 9, 9), "kernel_channels", 2),
        (layer_of("deconvolution", groups=2), SIX_CHANNELS, "kernel_channels", 6),
        (layer_of("inner_product"), (2, 3, 7), "input_channels", 7),
        (layer_of("inner_product"), (2, 7, 3, 4), "input_channels", 84),
        (layer_of("uni_directional_lstm"), VECTORS, "input_vector_size", 2),
        (layer_of("split", output=("a", "b", "c")), IMAGE, "n_outputs", 3),
        (layer_of("upsample"), IMAGE, "scaling_factor", (1, 1)),
        (layer_of("upsample", fractional_scaling_factor=(2.0, 2.0), **ALIGNED), IMAGE, "scaling_factor", None),
        (layer_of("scale", shape_scale=(1, 4, 5), has_bias=True), IMAGE, "shape_bias", (1, 4, 5)),
        (layer_of("scale", shape_scale=(3,)), IMAGE, "shape_bias", None),
        (layer_of("prelu", alpha=[0.5]), IMAGE, "shared_alpha", True),
    ],
)
def test_fields_that_shapes_decide_are_filled_in(layer: Layer, shape: Shape, field: str, value: object) -> None:
    assert getattr(layer.completed((shape,)), field) == value


def test_a_file_of_several_blobs_names_no_alpha() -> None:
    read = Add(name="a", **Add.read(NeuralNetwork_pb2.AddLayerParams()))
    assert list(read.faults((IMAGE, IMAGE))) == []
    assert read.completed((IMAGE, IMAGE)) == Add(name="a")
    assert read.completed((IMAGE,)) == Add(name="a", alpha=0.0)


def test_same_deconvolution_crops_where_convolution_pads() -> None:
    for mode in ("bottom_right_heavy", "top_left_heavy"):
        fields = {"name": "l", "kernel_size": (6, 5), "stride": (3, 2), "padding": {"type": "same", "mode": mode}}
        layer = Deconvolution.model_validate(fields | {"output_channels": 4})
        forward = Convolution.model_validate(fields | {"output_channels": 6})
        (rows, columns), borders = layer.kept(SIX_CHANNELS), forward.pads(layer.output_shapes((SIX_CHANNELS,))[0])
        assert (rows[0], columns[0]) == (borders[0][0], borders[1][0])


def test_pads_are_given_for_height_and_width() -> None:
    window = {"name": "l", "padding": "same", "output_channels": 6, "kernel_size": (3, 2)}
    top_left = window | {"padding": {"type": "same", "mode": "top_left_heavy"}}
    assert Convolution.model_validate(window).pads((1, 5, 5)) == ((1, 1), (0, 1))
    assert Convolution.model_validate(top_left).pads((1, 5, 5)) == ((1, 1), (1, 0))
    pool = Pooling.model_validate({"name": "p", "padding": "same", "pooling_type": "max", "kernel_size": (2, 3)})
    assert pool.pads((1, 5, 5)) == ((0, 1), (1, 1))


def test_deconvolution_weights_are_drawn_by_fan() -> None:
    shape = (6, 2, 3, 2)
    one = Deconvolution(name="d", output_channels=4, kernel_size=(3, 2), groups=2)
    # Three channels of each group, under three rows and two columns of kernels.
    assert one.fans("weights", shape) == (3 * 3 * 2, 2 * 3 * 2)
    # Two strides down, so that two kernels meet at most, and one across.
    assert one.model_copy(update={"stride": (2, 2)}).fans("weights", shape) == (3 * 2 * 1, 2 * 3 * 2)


def test_channel_window_stops_at_the_last_channel() -> None:
    layer = LRN(name="l", alpha=1.0, beta=1.0, local_size=2**16)
    assert layer.reach(3) == (2, 2)
    assert layer.reach(2**16) == (2**15, 2**15 - 1)


@pytest.mark.parametrize(
    ("kind", "fields", "array", "value"),
    [
        ("prelu", {}, "alpha", 0.25),
        ("parametric_softplus", {}, "beta", 1),
        ("scale", {"shape_scale": (1,)}, "scale", 1),
        ("scale", {"shape_scale": (1,)}, "bias", 0),
        ("bias", {"shape": (1,)}, "bias", 0),
        ("load_constant", {"shape": (1, 1, 1)}, "data", 0),
    ],
)
def test_arrays_left_out_change_nothing_at_first(kind: str, fields: dict[str, Any], array: str, value: float) -> None:
    layer = layer_of(kind, **fields)
    assert isinstance(layer, Parametric)
    assert layer.fill_value(array) == value
