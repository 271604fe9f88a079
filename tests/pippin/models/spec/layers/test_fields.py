"""What the fields of layers may be, and what types of layers need: versions, ranks, training."""

from math import nan
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from pippin.models.spec import ResolvedSpec, SpecError, resolve
from pippin.models.spec.layers.pooling import Pooling
from pippin.models.spec.layers.shape import Flatten
from pippin.models.spec.table import LAYERS
from pippin.models.spec.weights import initial_weights
from tests.support.specs import DENSE, small_spec

LRN = {"type": "lrn", "alpha": 1.0, "beta": 1.0, "local_size": 3}
POOLING = {"type": "pooling", "pooling_type": "average", "kernel_size": (2, 3)}
ALIGNED = {"type": "upsample", "mode": "bilinear", "linear_upsample_mode": "align_corners_true"}


@pytest.mark.parametrize(
    ("kind", "fields", "field"),
    [
        ("unary", {"function": "rsqrt", "epsilon": 0.0}, "epsilon"),
        ("unary", {"function": "exp", "scale": 0.0}, "scale"),
        ("reduce", {"mode": "logsum", "axis": "c", "epsilon": 1e-60}, "epsilon"),
    ],
)
def test_a_zero_that_would_become_a_default_is_refused(kind: str, fields: dict[str, object], field: str) -> None:
    with pytest.raises(ValidationError, match="found 0, which means the default in a file") as caught:
        LAYERS[kind].model_validate({"name": "u"} | fields)
    assert [error["loc"] for error in caught.value.errors()] == [(field,)]


@pytest.mark.parametrize("number", [0.0, -1e-6, 1e-60])
@pytest.mark.parametrize(
    ("kind", "field"), [("batchnorm", "epsilon"), ("mvn", "epsilon"), ("l2_normalize", "epsilon"), ("lrn", "k")]
)
def test_epsilon_is_positive_as_a_float32(kind: str, field: str, number: float) -> None:
    with pytest.raises(ValidationError, match=r"greater than 0|found 0"):
        LAYERS[kind].model_validate((LRN if kind == "lrn" else {}) | {"name": "n", "type": kind, field: number})


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "unary", "function": "power", "alpha": nan},
        {"type": "unary", "function": "cube"},
        {"type": "reduce", "mode": "median", "axis": "c"},
        {"type": "reduce", "mode": "sum", "axis": "ch"},
        {"type": "bias", "shape": ()},
        {"type": "bias", "shape": (1, 1, 1, 3)},
        {"type": "scale", "shape_scale": (0,)},
        {"type": "load_constant", "shape": (3,)},
        {"type": "load_constant", "shape": (2**32, 1, 1)},
        *(LRN | {"local_size": window} for window in (0, -1, 2**16 + 1)),
    ],
    ids=str,
)
def test_fields_allow_only_what_a_file_can_hold(fields: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        LAYERS[fields["type"]].model_validate({"name": "u"} | fields)


@pytest.mark.parametrize(
    ("fields", "version"),
    [
        ({"type": "resize_bilinear", "target_size": (2, 2)}, 3),
        ({"type": "crop_resize", "target_size": (2, 2)}, 3),
        ({"type": "upsample", "scaling_factor": (2, 2), "mode": "bilinear"}, 1),
        (ALIGNED, 5),
        (ALIGNED | {"fractional_scaling_factor": (1.5, 1.5)}, 5),
        ({"type": "reorganize_data", "mode": "depth_to_space", "block_size": 2}, 1),
        ({"type": "reorganize_data", "mode": "pixel_shuffle", "block_size": 2}, 5),
    ],
    ids=str,
)
def test_layer_knows_its_specification_version(fields: dict[str, Any], version: int) -> None:
    assert LAYERS[fields["type"]].model_validate({"name": "l"} | fields).version_needed == version


def test_fields_left_out_have_the_defaults_of_core_ml() -> None:
    assert Flatten(name="f").mode == "channel_last"
    assert Pooling.model_validate({"name": "p"} | POOLING).avg_pool_exclude_padding


def resolved(layer: dict[str, Any], shape: list[int], mapping: str = "rank5") -> ResolvedSpec:
    """A model with the layer below the one that is trained."""
    return resolve(
        small_spec(
            inputs=[{"name": "x", "shape": shape}],
            outputs=[{"name": "y"}],
            layers=[{"name": "l"} | layer, DENSE | {"output": "y"}],
            loss={"type": "mean_squared_error"},
            array_input_shape_mapping=mapping,
        )
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
        (LRN, 3),
    ],
    ids=lambda value: value["type"] if isinstance(value, dict) else str(value),
)
def test_blob_below_the_minimum_rank_is_refused(fields: dict[str, Any], rank: int) -> None:
    assert resolved(fields, [1] * rank, "exact").layers[0].layer.type == fields["type"]
    with pytest.raises(SpecError) as raised:
        resolved(fields, [1] * (rank - 1), "exact")
    (fault,) = raised.value.faults
    assert fault.pointer == "/layers/0/input"
    assert f"{fields['type']} needs rank {rank} or more" in fault.detail


def test_a_deconvolution_can_be_trained() -> None:
    layer = {"type": "deconvolution", "output_channels": 2, "kernel_size": [2, 2], "updatable": True}
    assert resolved(layer, [3, 4, 4]).layers[0].layer.updatable


@pytest.mark.parametrize(
    "fields",
    [{"type": "embedding", "input_dim": 3, "output_channels": 2}, {"type": "batchnorm"}],
    ids=["embedding", "batchnorm"],
)
def test_other_layers_with_weights_cannot_be_trained(fields: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as raised:
        resolved(fields | {"updatable": True}, [1])
    assert [fault.pointer for fault in raised.value.faults] == ["/layers/0/updatable"]


@pytest.mark.parametrize(
    ("arrays", "weights"),
    [
        ({}, {"gamma": [1, 1], "beta": [0, 0], "mean": [0, 0], "variance": [1, 1]}),
        (
            {"variance": [4, 9], "gamma": [0.5, 2]},
            {"gamma": [0.5, 2], "beta": [0, 0], "mean": [0, 0], "variance": [4, 9]},
        ),
    ],
    ids=["near identity", "given"],
)
def test_batch_normalization_starts_as_given_or_near_identity(
    arrays: dict[str, object], weights: dict[str, list[float]]
) -> None:
    initial = initial_weights(resolved({"type": "batchnorm"} | arrays, [2]))["l"]
    assert {key: np.asarray(array).tolist() for key, array in initial.items()} == weights
