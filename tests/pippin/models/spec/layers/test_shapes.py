"""Layers that rearrange, cut or resize blobs: shapes, versions and files."""

from typing import Any

import pytest
from coremltools.proto import NeuralNetwork_pb2
from pydantic import ValidationError

from pippin.models.spec import Layer, Shape
from pippin.models.spec.layers.cropping import Crop, Padding, Slice
from pippin.models.spec.layers.resizing import CropResize, ResizeBilinear, Upsample
from pippin.models.spec.layers.shape import Concat, Permute, ReorganizeData, Reshape, SequenceRepeat, Split
from tests.support.specs import faults_of

IMAGE = (1, 1, 3, 4, 5)
SEQUENCE = (2, 1, 3, 4, 5)
BOXES = (7, 1, 4, 1, 1)


def split(*names: str, **fields: int) -> Split:
    return Split(name="s", output=names, **fields)


def fractional(*factors: float, **fields: object) -> Upsample:
    return Upsample.model_validate({"name": "u", "fractional_scaling_factor": factors} | fields)


ALIGNED = {"mode": "bilinear", "linear_upsample_mode": "align_corners_true"}

SHAPES: list[tuple[Layer, tuple[Shape, ...], tuple[Shape, ...]]] = [
    (Permute(name="p", axis=(3, 1, 2, 0)), ((2, 6, 3, 4, 5),), ((5, 6, 3, 4, 2),)),
    (Reshape(name="r", target_shape=(5, 4, 3)), (SEQUENCE,), ((2, 1, 5, 4, 3),)),
    (Reshape(name="r", target_shape=(6, 5, 4, 1)), (SEQUENCE,), ((6, 1, 5, 4, 1),)),
    (Concat(name="c"), (IMAGE, (1, 1, 7, 4, 5)), ((1, 1, 10, 4, 5),)),
    (Concat(name="c", sequence_concat=True), (IMAGE, SEQUENCE), ((3, 1, 3, 4, 5),)),
    (split("a", "b", "c"), (SEQUENCE,), ((2, 1, 1, 4, 5),) * 3),
    (Slice(name="s", axis="width", start_index=1, end_index=0, stride=3), (IMAGE,), ((1, 1, 3, 4, 2),)),
    (Slice(name="s", axis="width", stride=2**31, end_index=5), (IMAGE,), ((1, 1, 3, 4, 1),)),
    (Crop(name="c", borders=((1, 2), (0, 4))), (IMAGE,), ((1, 1, 3, 1, 1),)),
    (Crop(name="c", offset=(1, 2)), (SEQUENCE, (1, 1, 9, 3, 3)), ((2, 1, 3, 3, 3),)),
    (Padding(name="p", borders=((1, 2), (3, 4))), (IMAGE,), ((1, 1, 3, 7, 12),)),
    (Upsample(name="u", scaling_factor=(2, 3)), (SEQUENCE,), ((2, 1, 3, 8, 15),)),
    # Beyond 2**24 a float32 does not hold every whole number.
    (Upsample(name="u"), ((1, 2**24 + 1, 5),), ((1, 2**24 + 1, 5),)),
    # 0.29 * 100 is a little less than 29 in 64 bits, and 29 in the 32 bits that a file has.
    (fractional(0.29, 1.9, **ALIGNED), ((3, 100, 5),), ((3, 29, 9),)),
    (ResizeBilinear(name="r", target_size=(9, 1)), (SEQUENCE,), ((2, 1, 3, 9, 1),)),
    (CropResize(name="c", target_size=(9, 2)), ((1, 2, 3, 4, 5), BOXES), ((7, 2, 3, 9, 2),)),
    (CropResize(name="c", target_size=(9, 2)), (IMAGE, (7, 1, 5, 1, 1)), ((7, 1, 3, 9, 2),)),
    (SequenceRepeat(name="s", n_repetitions=2**31), (SEQUENCE,), ((2**32, 1, 3, 4, 5),)),
    (ReorganizeData(name="r", mode="space_to_depth", block_size=2), ((1, 1, 3, 4, 6),), ((1, 1, 12, 2, 3),)),
    (ReorganizeData(name="r", mode="pixel_shuffle", block_size=2), ((8, 4, 6),), ((2, 8, 12),)),
]


@pytest.mark.parametrize(("layer", "inputs", "made"), SHAPES)
def test_output_shape_follows_the_format(layer: Layer, inputs: tuple[Shape, ...], made: tuple[Shape, ...]) -> None:
    assert list(layer.faults(inputs)) == []
    assert layer.output_shapes(inputs) == made


def test_fields_decided_by_shapes_are_filled_in() -> None:
    assert split("a", "b", "c").completed((IMAGE,)).n_outputs == 3
    assert Upsample(name="u").completed((IMAGE,)).scaling_factor == (1, 1)
    assert fractional(2.0, 2.0, **ALIGNED).completed((IMAGE,)).scaling_factor is None


def document(before: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """A model of RANK5 arrays that reads boxes from a vector."""
    return {
        "version": 4,
        "inputs": [{"name": "image", "shape": [3, 4, 5]}, {"name": "numbers", "shape": [28]}],
        "outputs": [{"name": "y"}],
        "layers": [
            {"name": "before", "input": "numbers", "output": "boxes"} | before,
            {"name": "layer", "input": ["image", "boxes"], "output": "cut"} | layer,
            {"type": "inner_product", "name": "head", "input": "cut", "output": "y", "output_channels": 2}
            | {"updatable": True},
        ],
        "loss": {"type": "mean_squared_error"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 1,
    }


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
                "/layers/1": "makes a blob of shape [2147483648, 3, 4, 5], which is 128849018880 numbers; "
                "one may have 2147483648"
            },
        ),
    ],
)
def test_model_with_shape_layers_gets_faults(
    before: dict[str, Any], layer: dict[str, Any], faults: dict[str, str]
) -> None:
    assert faults_of(document(before, layer)) == faults


@pytest.mark.parametrize(
    ("layer", "version"),
    [
        (ResizeBilinear(name="r", target_size=(2, 2)), 3),
        (CropResize(name="c", target_size=(2, 2)), 3),
        (Upsample(name="u", scaling_factor=(2, 2), mode="bilinear"), 1),
        (Upsample(name="u", mode="bilinear", linear_upsample_mode="align_corners_true"), 5),
        (fractional(1.5, 1.5, **ALIGNED), 5),
        (ReorganizeData(name="r", mode="depth_to_space", block_size=2), 1),
        (ReorganizeData(name="r", mode="pixel_shuffle", block_size=2), 5),
    ],
)
def test_layer_knows_its_specification_version(layer: Layer, version: int) -> None:
    assert layer.version_needed == version


def test_file_may_omit_fields_with_defaults() -> None:
    assert SequenceRepeat.read(NeuralNetwork_pb2.SequenceRepeatLayerParams()) == {"n_repetitions": 1}
    assert ResizeBilinear.read(NeuralNetwork_pb2.ResizeBilinearLayerParams())["target_size"] == [1, 1]
    assert CropResize.read(NeuralNetwork_pb2.CropResizeLayerParams(targetSize=[0, 4]))["target_size"] == [1, 4]
    assert Crop.read(NeuralNetwork_pb2.CropLayerParams()) == {"borders": None, "offset": None}
    upsample = Upsample(name="u", **Upsample.read(NeuralNetwork_pb2.UpsampleLayerParams()))
    assert upsample.completed((IMAGE,)).scaling_factor == (1, 1)
    assert Upsample.read(NeuralNetwork_pb2.UpsampleLayerParams(scalingFactor=[0, 3]))["scaling_factor"] == [1, 3]


def test_file_may_not_omit_a_length() -> None:
    with pytest.raises(ValueError, match=r"found target shape \[-1, 4, 1\]; needs lengths of 1 or more"):
        Reshape.read(NeuralNetwork_pb2.ReshapeLayerParams(targetShape=[-1, 4, 1]))


def test_permutation_is_read_from_a_file() -> None:
    read = Permute.read(NeuralNetwork_pb2.PermuteLayerParams())
    with pytest.raises(ValidationError, match="axis"):
        Permute.model_validate({"name": "p", **read})


def test_padding_is_read_from_a_file() -> None:
    with pytest.raises(ValueError, match="found no padding type; needs constant, reflection or replication"):
        Padding.read(NeuralNetwork_pb2.PaddingLayerParams())
