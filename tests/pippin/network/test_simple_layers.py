from collections.abc import Callable, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.network.arrays import Array, Namespace
from pippin.spec import Layer
from pippin.spec.layers.flatten import Flatten
from pippin.spec.layers.inner_product import InnerProduct
from pippin.spec.layers.relu import ReLU
from pippin.spec.layers.sigmoid import Sigmoid
from pippin.spec.layers.softmax import Softmax
from pippin.spec.layers.tanh import Tanh

Shape = tuple[int, ...]
Case = tuple[Layer, Shape, Mapping[str, Shape]]
"""A layer, its input's shape, and its weights' shapes."""

CASES: dict[str, Case] = {
    "relu of an image": (ReLU(name="l"), (3, 4, 2), {}),
    "tanh of a vector": (Tanh(name="l"), (7,), {}),
    "sigmoid of an image": (Sigmoid(name="l"), (3, 4, 2), {}),
    "softmax": (Softmax(name="l"), (5,), {}),
    "flatten, channel last": (Flatten(name="l", mode="channel_last"), (3, 4, 2), {}),
    "flatten, channel first": (Flatten(name="l", mode="channel_first"), (3, 4, 2), {}),
    "flatten of a vector": (Flatten(name="l"), (5,), {}),
    "inner product": (InnerProduct(name="l", output_channels=4), (6,), {"weights": (4, 6), "bias": (4,)}),
    "inner product without bias": (
        InnerProduct(name="l", output_channels=4, has_bias=False),
        (6,),
        {"weights": (4, 6)},
    ),
    "inner product of one pixel": (
        InnerProduct(name="l", output_channels=4),
        (6, 1, 1),
        {"weights": (4, 6), "bias": (4,)},
    ),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@every_case
def test_jax_agrees_with_numpy(run_layer: Callable[..., Array], case: Case) -> None:
    layer, shape, weight_shapes = case
    rng = np.random.default_rng(0)
    x = rng.uniform(-3, 3, (4, *shape)).astype("float32")
    weights = {key: rng.uniform(-1, 1, size).astype("float32") for key, size in weight_shapes.items()}
    expected = run_layer(layer, x, weights)
    y = jax.jit(lambda x, weights: run_layer(layer, x, weights, jnp))(x, weights)
    assert expected.dtype == y.dtype == "float32"
    assert expected.shape == (4, *layer.output_shapes((shape,))[0])
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-6)


@every_case
@pytest.mark.usefixtures("float64")
def test_the_gradient_is_the_slope(
    run_layer: Callable[..., Array], slope: Callable[..., Array], distinct: Callable[..., Array], case: Case
) -> None:
    layer, shape, weight_shapes = case
    rng = np.random.default_rng(0)
    arrays = {"x": 3 * distinct(rng, (3, *shape))}
    arrays |= {key: rng.uniform(-1, 1, size) for key, size in weight_shapes.items()}
    shares = rng.uniform(-1, 1, run_layer(layer, arrays["x"], arrays).shape)

    def total(arrays: Mapping[str, Array], xp: Namespace) -> Array:
        return (run_layer(layer, arrays["x"], arrays, xp) * shares).sum()

    found = jax.jit(jax.grad(lambda arrays: total(arrays, jnp)))(arrays)
    for key, array in arrays.items():
        expected = slope(lambda array, key=key: total({**arrays, key: array}, np), array)
        np.testing.assert_allclose(found[key], expected, rtol=1e-6, atol=1e-8)


def test_flattening_lists_the_numbers_in_the_order_that_its_mode_says(run_layer: Callable[..., Array]) -> None:
    x = np.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2)
    first = run_layer(Flatten(name="f", mode="channel_first"), x)
    last = run_layer(Flatten(name="f", mode="channel_last"), x)
    np.testing.assert_array_equal(first[0], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])
    np.testing.assert_array_equal(last[0], [0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11])
    np.testing.assert_array_equal(last[1], last[0] + 12)


def test_an_inner_product_multiplies_rows_of_its_weights(run_layer: Callable[..., Array]) -> None:
    weights = {"weights": np.array([[1.0, 2, 3], [4, 5, 6]]), "bias": np.array([10.0, 20])}
    y = run_layer(InnerProduct(name="i", output_channels=2), np.array([[1.0, 0, 0], [1, 1, 1]]), weights)
    np.testing.assert_array_equal(y, [[11, 24], [16, 35]])


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_relu_keeps_what_is_positive_and_what_is_no_number(run_layer: Callable[..., Array], xp: Namespace) -> None:
    y = run_layer(ReLU(name="r"), xp.array([[-np.inf, -1, 0, 2, np.inf, np.nan]], "float32"), xp=xp)
    np.testing.assert_array_equal(y, [[0, 0, 0, 2, np.inf, np.nan]])
    assert y.dtype == "float32"


def test_the_gradient_of_relu_is_0_at_0(run_layer: Callable[..., Array]) -> None:
    x = np.array([[-1, 0, -0.0, 2]], "float32")
    np.testing.assert_array_equal(jax.grad(lambda x: run_layer(ReLU(name="r"), x, xp=jnp).sum())(x), [[0, 0, 0, 1]])


def test_sigmoid_and_tanh_saturate_without_overflow(run_layer: Callable[..., Array]) -> None:
    x = np.array([[-1e30, -200, -100, 0, 100, 1e30]], "float32")
    sigmoid, tanh = Sigmoid(name="s"), Tanh(name="t")
    for xp in (np, jnp):
        np.testing.assert_allclose(run_layer(sigmoid, x, xp=xp), [[0, 0, 0, 0.5, 1, 1]], atol=1e-6)
        np.testing.assert_allclose(run_layer(tanh, x, xp=xp), [[-1, -1, -1, 0, 1, 1]], atol=1e-6)
    for layer, at_zero in ((sigmoid, 0.25), (tanh, 1.0)):
        slopes = jax.grad(lambda x, layer=layer: run_layer(layer, x, xp=jnp).sum())(x)
        np.testing.assert_allclose(slopes, [[0, 0, 0, at_zero, 0, 0]], atol=1e-6)


def test_small_probabilities_of_a_sigmoid_keep_their_digits(run_layer: Callable[..., Array]) -> None:
    y = run_layer(Sigmoid(name="s"), np.array([[-20.0, -60]], "float32"))
    np.testing.assert_allclose(y, np.exp([[-20.0, -60]]), rtol=1e-5)


@pytest.mark.parametrize("xp", [np, jnp], ids=["numpy", "jax"])
def test_softmax_of_huge_numbers_is_a_distribution(run_layer: Callable[..., Array], xp: Namespace) -> None:
    y = run_layer(Softmax(name="s"), xp.array([[1e4, -1e4, 1e4], [-1e4, -1e4, -1e4 - 1]], "float32"), xp=xp)
    e = np.exp(-1)
    np.testing.assert_allclose(y, [[0.5, 0, 0.5], np.array([1, 1, e]) / (2 + e)], rtol=1e-6)
