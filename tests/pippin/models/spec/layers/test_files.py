"""What files of layers may leave out, what in them is refused, and which type a part of a file is."""

import re
from typing import Any

import pytest
from coremltools.proto import NeuralNetwork_pb2 as proto
from google.protobuf.message import Message  # type: ignore[import-untyped]  # it ships no types
from pydantic import ValidationError

from pippin.models.spec import Layer, Shape
from pippin.models.spec.layers.activations import ParametricSoftplus, PReLU, ReLU
from pippin.models.spec.layers.convolution import Convolution, Deconvolution
from pippin.models.spec.layers.cropping import Crop, Padding
from pippin.models.spec.layers.elementwise import Unary
from pippin.models.spec.layers.normalization import LRN, MVN, Batchnorm, L2Normalize
from pippin.models.spec.layers.reduction import Reduce
from pippin.models.spec.layers.resizing import CropResize, ResizeBilinear, Upsample
from pippin.models.spec.layers.shape import Permute, Reshape, SequenceRepeat
from pippin.models.spec.table import LAYERS, LAYERS_BY_KIND
from pippin.network.table import OPERATIONS

IMAGE: Shape = (1, 1, 3, 4, 5)


def deconvolution(**fields: Any) -> Message:  # noqa: ANN401 - as protobuf has them
    return proto.ConvolutionLayerParams(isDeconvolution=True, **fields)


WINDOW = deconvolution(outputChannels=4, kernelChannels=6, dilationFactor=[2, 2])
WINDOW.valid.SetInParent()


@pytest.mark.parametrize(
    ("kind", "message", "fields"),
    [
        (
            Unary,
            proto.UnaryFunctionLayerParams(),
            {"function": "sqrt", "alpha": 0.0, "epsilon": 1e-6, "shift": 0.0, "scale": 1.0},
        ),
        (Reduce, proto.ReduceLayerParams(), {"mode": "sum", "axis": "chw", "epsilon": 1e-6}),
        (
            Deconvolution,
            WINDOW,
            {
                "output_channels": 4,
                "kernel_channels": 6,
                "groups": 1,
                "kernel_size": [3, 3],
                "stride": [1, 1],
                "padding": {"type": "valid", "borders": [[0, 0], [0, 0]]},
                "output_shape": None,
                "has_bias": False,
            },
        ),
        (
            Batchnorm,
            proto.BatchnormLayerParams(channels=6),
            {"channels": 6, "compute_mean_var": False, "instance_normalization": False, "epsilon": 1e-5},
        ),
        (
            MVN,
            proto.MeanVarianceNormalizeLayerParams(),
            {"across_channels": False, "normalize_variance": False, "epsilon": 1e-6},
        ),
        (L2Normalize, proto.L2NormalizeLayerParams(), {"epsilon": 1e-6}),
        (
            LRN,
            proto.LRNLayerParams(alpha=0.25, localSize=5),
            {"alpha": 0.25, "beta": 0.0, "local_size": 5, "k": 1.0},
        ),
        (SequenceRepeat, proto.SequenceRepeatLayerParams(), {"n_repetitions": 1}),
        (Crop, proto.CropLayerParams(), {"borders": None, "offset": None}),
    ],
)
def test_fields_that_a_file_omits_have_the_defaults_of_the_format(
    kind: type[Layer], message: Message, fields: dict[str, object]
) -> None:
    assert kind.read(message) == fields


@pytest.mark.parametrize(
    ("kind", "message", "field", "value"),
    [
        (ResizeBilinear, proto.ResizeBilinearLayerParams(), "target_size", [1, 1]),
        (CropResize, proto.CropResizeLayerParams(targetSize=[0, 4]), "target_size", [1, 4]),
        (Upsample, proto.UpsampleLayerParams(scalingFactor=[0, 3]), "scaling_factor", [1, 3]),
    ],
)
def test_length_of_0_is_the_default_of_1(kind: type[Layer], message: Message, field: str, value: object) -> None:
    assert kind.read(message)[field] == value


def test_file_may_omit_both_factors_of_an_upsampling() -> None:
    upsample = Upsample(name="u", **Upsample.read(proto.UpsampleLayerParams()))
    assert upsample.completed((IMAGE,)).scaling_factor == (1, 1)


@pytest.mark.parametrize(
    ("kind", "message", "detail"),
    [
        (Unary, proto.UnaryFunctionLayerParams(type=9), "found unary function 9; Pippin knows sqrt"),
        (Reduce, proto.ReduceLayerParams(mode=12), "found reduce mode 12; Pippin knows sum"),
        (Reduce, proto.ReduceLayerParams(axis=5), "found reduce axis 5; Pippin knows chw"),
        (Deconvolution, deconvolution(), "found no padding type; needs valid or same"),
        (
            Reshape,
            proto.ReshapeLayerParams(targetShape=[-1, 4, 1]),
            "found target shape [-1, 4, 1]; needs lengths of 1 or more",
        ),
        (Padding, proto.PaddingLayerParams(), "found no padding type; needs constant, reflection or replication"),
    ],
)
def test_unsupported_file_fields_are_named(kind: type[Layer], message: Message, detail: str) -> None:
    with pytest.raises(ValueError, match=re.escape(detail)):
        kind.read(message)


def test_permutation_is_read_from_a_file() -> None:
    read = Permute.read(proto.PermuteLayerParams())
    with pytest.raises(ValidationError, match="axis"):
        Permute.model_validate({"name": "p", **read})


@pytest.mark.parametrize(
    ("numbers", "shared"),
    [
        ({"floatValue": [0.5]}, True),
        ({"floatValue": [0.5, 0.5, 0.5]}, False),
        ({"float16Value": b"\x00\x38"}, True),
        ({"float16Value": b"\x00\x38" * 3}, False),
        ({"rawValue": b"\x01", "quantization": proto.QuantizationParams(numberOfBits=8)}, False),
    ],
)
def test_a_file_with_one_number_for_all_channels_keeps_one(numbers: dict[str, Any], shared: bool) -> None:
    layer = PReLU(name="p", **PReLU.read(proto.ActivationPReLU(alpha=proto.WeightParams(**numbers))))
    assert layer.weight_shapes((IMAGE,)) == {"alpha": (1,) if shared else (3,)}


def test_alpha_and_beta_are_shared_each_by_itself() -> None:
    one, three = (proto.WeightParams(floatValue=numbers) for numbers in ([1.0], [1.0, 2.0, 3.0]))
    message = proto.ActivationParametricSoftplus(alpha=one, beta=three)
    layer = ParametricSoftplus(name="p", **ParametricSoftplus.read(message))
    assert layer.weight_shapes((IMAGE,)) == {"alpha": (1,), "beta": (3,)}


def test_a_file_tells_a_deconvolution_from_a_convolution_by_a_flag() -> None:
    message = proto.ConvolutionLayerParams()
    Deconvolution(name="d", output_channels=4, kernel_size=(3, 2), kernel_channels=6).write(message)
    assert message.isDeconvolution
    assert Deconvolution.proto_path == Convolution.proto_path == "convolution"
    assert LAYERS_BY_KIND["deconvolution"] is Deconvolution
    assert LAYERS_BY_KIND["convolution"] is Convolution


def test_layers_are_found_by_type_and_by_file_field() -> None:
    assert list(LAYERS) == sorted(LAYERS) == list(OPERATIONS)
    assert LAYERS_BY_KIND["activation.ReLU"] is LAYERS["relu"] is ReLU
    assert len(LAYERS_BY_KIND) == len(LAYERS)
    assert {name: kind.model_fields["type"].default for name, kind in LAYERS.items()} == {name: name for name in LAYERS}
