"""Deconvolutions, embeddings and normalizations: fields, shapes and files."""

from typing import Any

import numpy as np
import pytest
from coremltools.proto import NeuralNetwork_pb2
from pydantic import ValidationError

from pippin.models.spec import Shape, SpecError, resolve
from pippin.models.spec.layers.convolution import Convolution, Deconvolution
from pippin.models.spec.layers.normalization import LRN, MVN, Batchnorm, L2Normalize
from pippin.models.spec.table import LAYERS, LAYERS_BY_KIND
from pippin.models.spec.weights import initial_weights

IMAGE = (1, 1, 6, 4, 3)


def deconv(**fields: object) -> Deconvolution:
    return Deconvolution(**{"name": "d", "output_channels": 4, "kernel_size": (3, 2)} | fields)


def valid(*borders: list[int]) -> dict[str, Any]:
    return {"type": "valid", "borders": list(borders)}


@pytest.mark.parametrize(
    ("layer", "made"),
    [
        # Four rows three apart, the last with three of its own: 12; as many columns as strides and one more.
        (deconv(stride=(3, 1)), (1, 1, 4, 12, 4)),
        (deconv(stride=(3, 1), padding=valid([1, 2], [3, 0])), (1, 1, 4, 9, 1)),
        (deconv(stride=(3, 4), padding="same"), (1, 1, 4, 12, 12)),
        (deconv(stride=(3, 4), padding="same", output_shape=(2, 90)), (1, 1, 4, 2, 90)),
    ],
)
def test_deconvolution_size_follows_from_padding_by_default(layer: Deconvolution, made: Shape) -> None:
    assert list(layer.faults((IMAGE,))) == []
    assert layer.output_shapes((IMAGE,)) == (made,)


def test_same_deconvolution_crops_where_convolution_pads() -> None:
    for mode in ("bottom_right_heavy", "top_left_heavy"):
        padding = {"type": "same", "mode": mode}
        layer = deconv(kernel_size=(6, 5), stride=(3, 2), padding=padding)
        forward = Convolution(name="c", output_channels=6, kernel_size=(6, 5), stride=(3, 2), padding=padding)
        (rows, columns), borders = layer.kept(IMAGE), forward.pads(layer.output_shapes((IMAGE,))[0])
        assert (rows[0], columns[0]) == (borders[0][0], borders[1][0])


def test_deconvolution_weights_are_input_first_with_outputs_by_group() -> None:
    layer = deconv(groups=2)
    assert dict(layer.weight_shapes((IMAGE,))) == {"weights": (6, 2, 3, 2), "bias": (4,)}
    assert layer.completed((IMAGE,)).kernel_channels == 6


def test_deconvolution_weights_are_drawn_by_fan() -> None:
    shape = (6, 2, 3, 2)
    # Three channels of each group, under three rows and two columns of kernels.
    assert deconv(groups=2).fans("weights", shape) == (3 * 3 * 2, 2 * 3 * 2)
    # Two strides down, so that two kernels meet at most, and one across.
    assert deconv(groups=2, stride=(2, 2)).fans("weights", shape) == (3 * 2 * 1, 2 * 3 * 2)


def test_a_file_tells_a_deconvolution_from_a_convolution_by_a_flag() -> None:
    message = NeuralNetwork_pb2.ConvolutionLayerParams()
    deconv(kernel_channels=6).write(message)
    assert message.isDeconvolution
    assert Deconvolution.proto_path == Convolution.proto_path == "convolution"
    assert LAYERS_BY_KIND["deconvolution"] is Deconvolution
    assert LAYERS_BY_KIND["convolution"] is Convolution


def test_batch_normalization_starts_near_identity() -> None:
    weights = initial_weights(resolved({"type": "batchnorm", "name": "b"}, [6, 4, 3]))["b"]
    assert {key: array.tolist() for key, array in weights.items()} == {
        "gamma": [1] * 6,
        "beta": [0] * 6,
        "mean": [0] * 6,
        "variance": [1] * 6,
    }


def test_a_batch_normalization_that_computes_its_statistics_stores_none() -> None:
    layer = Batchnorm(name="b", compute_mean_var=True)
    assert dict(layer.weight_shapes((IMAGE,))) == {"gamma": (6,), "beta": (6,)}


def test_file_may_omit_fields_with_proto_defaults() -> None:
    convolution = NeuralNetwork_pb2.ConvolutionLayerParams(
        outputChannels=4, kernelChannels=6, isDeconvolution=True, dilationFactor=[2, 2]
    )
    convolution.valid.SetInParent()
    assert Deconvolution.read(convolution) == {
        "output_channels": 4,
        "kernel_channels": 6,
        "groups": 1,
        "kernel_size": [3, 3],
        "stride": [1, 1],
        "padding": {"type": "valid", "borders": [[0, 0], [0, 0]]},
        "output_shape": None,
        "has_bias": False,
    }
    assert Batchnorm.read(NeuralNetwork_pb2.BatchnormLayerParams(channels=6)) == {
        "channels": 6,
        "compute_mean_var": False,
        "instance_normalization": False,
        "epsilon": 1e-5,
    }
    assert MVN.read(NeuralNetwork_pb2.MeanVarianceNormalizeLayerParams()) == {
        "across_channels": False,
        "normalize_variance": False,
        "epsilon": 1e-6,
    }
    assert L2Normalize.read(NeuralNetwork_pb2.L2NormalizeLayerParams()) == {"epsilon": 1e-6}
    assert LRN.read(NeuralNetwork_pb2.LRNLayerParams(alpha=0.25, localSize=5)) == {
        "alpha": 0.25,
        "beta": 0.0,
        "local_size": 5,
        "k": 1.0,
    }


def test_a_deconvolution_without_padding_is_refused() -> None:
    with pytest.raises(ValueError, match="found no padding type; needs valid or same"):
        Deconvolution.read(NeuralNetwork_pb2.ConvolutionLayerParams(isDeconvolution=True))


@pytest.mark.parametrize("number", [0.0, -1e-6, 1e-60])
@pytest.mark.parametrize(
    "fields",
    [
        {"type": "batchnorm", "epsilon": None},
        {"type": "mvn", "epsilon": None},
        {"type": "l2_normalize", "epsilon": None},
        {"type": "lrn", "alpha": 1.0, "beta": 1.0, "local_size": 3, "k": None},
    ],
)
def test_epsilon_is_positive_as_a_float32(fields: dict[str, Any], number: float) -> None:
    kind = LAYERS[fields["type"]]
    given = {key: number if value is None else value for key, value in fields.items()}
    with pytest.raises(ValidationError, match=r"greater than 0|found 0"):
        kind.model_validate({"name": "n", **given})


@pytest.mark.parametrize("window", [0, -1, 2**16 + 1])
def test_a_window_of_channels_is_one_or_more_and_has_a_limit(window: int) -> None:
    with pytest.raises(ValidationError):
        LRN(name="l", alpha=1.0, beta=1.0, local_size=window)


def test_channel_window_stops_at_the_last_channel() -> None:
    layer = LRN(name="l", alpha=1.0, beta=1.0, local_size=2**16)
    assert layer.reach(3) == (2, 2)
    assert layer.reach(2**16) == (2**15, 2**15 - 1)


def resolved(layer: dict[str, Any], shape: list[int], mapping: str = "rank5") -> Any:  # noqa: ANN401 - or what it raises
    return resolve(
        {
            "inputs": [{"name": "x", "shape": shape}],
            "outputs": [{"name": "y"}],
            "layers": [layer, {"type": "inner_product", "name": "y", "output_channels": 2, "updatable": True}],
            "loss": {"type": "mean_squared_error"},
            "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
            "epochs": 1,
            "array_input_shape_mapping": mapping,
        }
    )


@pytest.mark.parametrize(
    ("fields", "rank"),
    [
        ({"type": "convolution", "output_channels": 1, "kernel_size": [1, 1]}, 4),
        ({"type": "deconvolution", "output_channels": 1, "kernel_size": [1, 1]}, 4),
        ({"type": "pooling", "pooling_type": "max", "global_pooling": True}, 4),
        ({"type": "embedding", "input_dim": 3, "output_channels": 2}, 4),
        ({"type": "flatten"}, 3),
        ({"type": "softmax"}, 3),
        ({"type": "batchnorm"}, 3),
        ({"type": "mvn"}, 3),
        ({"type": "l2_normalize"}, 3),
        ({"type": "lrn", "alpha": 1.0, "beta": 1.0, "local_size": 3}, 3),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else str(value),
)
def test_blob_below_the_minimum_rank_is_refused(fields: dict[str, Any], rank: int) -> None:
    layer = {"name": "l", **fields}
    assert resolved(layer, [1] * rank, "exact").layers[0].layer.type == fields["type"]
    with pytest.raises(SpecError) as raised:
        resolved(layer, [1] * (rank - 1), "exact")
    (fault,) = raised.value.faults
    assert fault.pointer == "/layers/0/input"
    assert f"{fields['type']} needs rank {rank} or more" in fault.detail


def test_a_deconvolution_can_be_trained() -> None:
    layer = {"type": "deconvolution", "name": "d", "output_channels": 2, "kernel_size": [2, 2], "updatable": True}
    assert resolved(layer, [3, 4, 4]).layers[0].layer.updatable


@pytest.mark.parametrize(
    "fields",
    [{"type": "embedding", "input_dim": 3, "output_channels": 2}, {"type": "batchnorm"}],
    ids=["embedding", "batchnorm"],
)
def test_other_layers_with_weights_cannot_be_trained(fields: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as raised:
        resolved({"name": "l", "updatable": True, **fields}, [1])
    assert [fault.pointer for fault in raised.value.faults] == ["/layers/0/updatable"]


def test_given_arrays_are_the_initial_weights() -> None:
    layer = {"type": "batchnorm", "name": "b", "variance": [4, 9], "gamma": [0.5, 2]}
    weights = initial_weights(resolved(layer, [2]))["b"]
    np.testing.assert_array_equal(weights["variance"], [4, 9])
    np.testing.assert_array_equal(weights["gamma"], [0.5, 2])
    np.testing.assert_array_equal(weights["mean"], [0, 0])
