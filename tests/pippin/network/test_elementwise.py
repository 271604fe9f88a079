"""Elementwise and reducing layers at the corners of their formulas: equal values, overflow and NaN."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.models.spec import Layer
from pippin.models.spec.table import LAYERS
from pippin.models.spec.weights import initial_weights
from pippin.network import predict
from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step
from pippin.network.table import OPERATIONS
from tests.pippin.network.builders import both, computed, model

ONES = {"scale": np.ones(1, np.float32), "bias": np.ones(1, np.float32)}
ALPHA_BETA = {"alpha": np.ones(1, np.float32), "beta": np.ones(1, np.float32)}


def layer_of(kind: str, **fields: object) -> Layer:
    return LAYERS[kind](name="layer", **fields)


def run(layer: Layer, *blobs: Array, weights: Mapping[str, Array] | None = None) -> Array:
    return computed(jnp, lambda *blobs: OPERATIONS[layer.type](Step(layer, weights or {}, jnp), *blobs), *blobs)


def slopes(layer: Layer, *blobs: Array) -> list[list[float]]:
    """The gradient of the sum of the layer's output, by input."""
    gradients = jax.jit(jax.grad(lambda blobs: run(layer, *blobs).sum()))(list(blobs))
    return [np.asarray(each).ravel().tolist() for each in gradients]


def vector(*numbers: float) -> Array:
    """[1, sequence, 1, H, W, C] as a vector lies between layers."""
    return np.array(numbers, np.float32).reshape(1, 1, 1, 1, 1, -1)


def column(*numbers: float) -> Array:
    """The same for an image one pixel wide, of one channel."""
    return np.array(numbers, np.float32).reshape(1, 1, 1, -1, 1, 1)


EVERY_NUMBER: list[tuple[Layer, Mapping[str, Array]]] = [
    *((layer_of(kind), {}) for kind in ("softsign", "softplus", "average", "max", "min")),
    (layer_of("linear", alpha=2.0), {}),
    (layer_of("leaky_relu", alpha=0.1), {}),
    (layer_of("thresholded_relu", alpha=1.0), {}),
    (layer_of("elu", alpha=0.7), {}),
    (layer_of("scaled_tanh", alpha=1.5, beta=0.5), {}),
    (layer_of("sigmoid_hard", alpha=0.2, beta=0.5), {}),
    (layer_of("prelu"), ALPHA_BETA),
    (layer_of("parametric_softplus"), ALPHA_BETA),
    (layer_of("scale", shape_scale=(1,), has_bias=True), ONES),
    (layer_of("bias", shape=(1,)), ONES),
    (layer_of("add", alpha=1.0), {}),
    (layer_of("multiply", alpha=0.1), {}),
    *(
        (layer_of("unary", function=function, alpha=0.5), {})
        for function in ("sqrt", "rsqrt", "inverse", "power", "exp", "log", "abs", "threshold")
    ),
    *(
        (layer_of("reduce", mode=mode, axis="h"), {})
        for mode in ("sum", "avg", "prod", "logsum", "sumsquare", "l1", "l2", "max", "min")
    ),
]


@both
@pytest.mark.parametrize(("layer", "weights"), EVERY_NUMBER)
def test_nan_stays_nan_and_float32_stays_float32(layer: Layer, weights: Mapping[str, Array], xp: Namespace) -> None:
    # NumPy's logaddexp warns of one.
    with np.errstate(invalid="ignore"):
        y = computed(xp, lambda x: OPERATIONS[layer.type](Step(layer, weights, xp), x), vector(1.5, np.nan))
    assert y.dtype == np.float32
    assert np.isnan(np.asarray(y)).ravel().tolist() == [False, True]


@pytest.mark.parametrize("kind", ["max", "min"])
def test_max_and_min_take_nan_in_any_position_and_pass_the_gradient_to_the_first_of_equals(kind: str) -> None:
    y = run(layer_of(kind), vector(1, np.nan, 1), vector(2, 2, np.nan))
    assert np.isnan(y).ravel().tolist() == [False, True, True]
    assert slopes(layer_of(kind), vector(2), vector(2), vector(2)) == [[1], [0], [0]]
    assert slopes(layer_of("reduce", mode=kind, axis="h"), column(5, 5, 5)) == [[1, 0, 0]]


def test_first_of_equal_extremes_follows_the_files_axis_order() -> None:
    # [1, H, W, C] of two pixels and two channels: c0 = 1, 3 and c1 = 3, 1.
    x = np.array([[1, 3], [3, 1]], np.float32).reshape(1, 1, 1, 1, 2, 2)
    assert slopes(layer_of("reduce", mode="max", axis="chw"), x) == [[0, 0, 1, 0]]


def test_argmax_is_the_first_of_equals_and_has_no_gradient() -> None:
    layer = layer_of("reduce", mode="argmax", axis="h")
    assert run(layer, column(1, 7, 7)).ravel().tolist() == [1]
    assert slopes(layer, column(1, 7, 7)) == [[0, 0, 0]]


def test_product_has_its_gradient_at_zeros() -> None:
    layer = layer_of("reduce", mode="prod", axis="h")
    assert slopes(layer, column(2, 0, 3)) == [[0, 6, 0]]
    assert slopes(layer, column(2, 0, 0)) == [[0, 0, 0]]


@pytest.mark.parametrize(
    "layer", [layer_of("unary", function="sqrt"), layer_of("reduce", mode="l2", axis="h")], ids=["sqrt", "l2"]
)
def test_root_of_zero_has_gradient_zero(layer: Layer) -> None:
    assert run(layer, column(0)).ravel().tolist() == [0]
    assert slopes(layer, column(0)) == [[0]]


@pytest.mark.parametrize("function", ["sqrt", "rsqrt", "log", "power"])
def test_function_outside_its_domain_gives_nan(function: str) -> None:
    assert np.isnan(run(layer_of("unary", function=function, alpha=0.5), vector(-2.0))).all()


def test_cosine_similarity_of_a_zero_vector_is_0() -> None:
    layer = layer_of("dot", cosine_similarity=True)
    assert run(layer, vector(0, 0), vector(3, 4)).ravel().tolist() == [0]
    assert np.isfinite(slopes(layer, vector(0, 0), vector(3, 4))).all()
    assert np.isnan(run(layer, vector(np.nan, 0), vector(3, 4))).all()


@pytest.mark.parametrize(
    ("layer", "low", "high"),
    [
        (layer_of("softplus"), 0, 1000),
        (layer_of("elu", alpha=0.5), -0.5, 1000),
        (layer_of("softsign"), -1000 / 1001, 1000 / 1001),
        (layer_of("scaled_tanh", alpha=2.0, beta=1.0), -2, 2),
        (layer_of("sigmoid_hard", alpha=1.0, beta=0.0), 0, 1),
    ],
    ids=lambda value: value.type if isinstance(value, Layer) else None,
)
def test_activations_do_not_overflow_far_from_zero(layer: Layer, low: float, high: float) -> None:
    np.testing.assert_allclose(run(layer, vector(-1000, 1000)).ravel(), [low, high], rtol=1e-6)
    assert np.isfinite(slopes(layer, vector(-1000, 1000))).all()


def test_load_constant_is_repeated_for_every_example() -> None:
    data = np.arange(6, dtype=np.float32).reshape(3, 1, 2)
    resolved = model(
        [3, 4, 2],
        [
            {"type": "load_constant", "name": "pixels", "shape": [1, 4, 2]},
            {"type": "load_constant", "name": "constant", "shape": [3, 1, 1], "data": data[:, :, :1].tolist()},
            {"type": "add", "input": ["x", "pixels", "constant"]},
            {"type": "flatten", "mode": "channel_first"},
            {"type": "inner_product", "output_channels": 2, "updatable": True},
        ],
        {"constant": [3], "add2": [3, 4, 2], "y": [2]},
    )
    x = np.random.default_rng(0).uniform(size=(5, 3, 4, 2))
    made = predict(resolved, initial_weights(resolved), {"x": x})
    assert made["constant"].tolist() == [data[:, 0, 0].tolist()] * 5
    np.testing.assert_allclose(made["add2"], x + data[:, :, :1])
