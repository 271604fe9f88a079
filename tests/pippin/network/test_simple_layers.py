import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.models.spec import Layer
from pippin.models.spec.layers.activations import ReLU, Sigmoid, Softmax, Tanh
from pippin.models.spec.layers.dense import Embedding
from pippin.models.spec.layers.normalization import LRN, MVN, Batchnorm, L2Normalize
from pippin.network import predict
from pippin.network.arrays import Array, Namespace
from tests.pippin.models.layers.case import Case
from tests.pippin.models.layers.rows import CASES
from tests.pippin.network.builders import both, layer_gradient, run_layer


def vectors(*rows: list[float]) -> Array:
    """One example a row, as a blob of rank 5."""
    return np.array(rows, "float32").reshape(len(rows), 1, 1, -1, 1, 1)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_every_layer_keeps_the_precision_of_its_input(case: Case) -> None:
    resolved = case.resolved()
    inputs, weights = jax.tree.map(np.float32, (case.drawn(), case.weights()))
    made = predict(resolved, weights, inputs)
    theirs = jax.eval_shape(lambda weights, inputs: predict(resolved, weights, inputs, jnp), weights, inputs)
    assert {y.dtype.name for y in (*made.values(), *theirs.values())} == {"float32"}


@both
def test_relu_keeps_positive_numbers_and_nan(xp: Namespace) -> None:
    y = run_layer(ReLU(name="r"), xp.array([[-np.inf, -1, 0, 2, np.inf, np.nan]], "float32"), xp=xp)
    np.testing.assert_array_equal(y, [[0, 0, 0, 2, np.inf, np.nan]])


def test_the_gradient_of_relu_is_0_at_0() -> None:
    x = np.array([[-1, 0, -0.0, 2]], "float32")
    np.testing.assert_array_equal(layer_gradient(ReLU(name="r"), x), [[0, 0, 0, 1]])


def test_sigmoid_and_tanh_saturate_without_overflow() -> None:
    x = np.array([[-1e30, -200, -100, 0, 100, 1e30]], "float32")
    sigmoid, tanh = Sigmoid(name="s"), Tanh(name="t")
    for xp in (np, jnp):
        np.testing.assert_allclose(run_layer(sigmoid, x, xp=xp), [[0, 0, 0, 0.5, 1, 1]], atol=1e-6)
        np.testing.assert_allclose(run_layer(tanh, x, xp=xp), [[-1, -1, -1, 0, 1, 1]], atol=1e-6)
    for layer, at_zero in ((sigmoid, 0.25), (tanh, 1.0)):
        np.testing.assert_allclose(layer_gradient(layer, x), [[0, 0, 0, at_zero, 0, 0]], atol=1e-6)


def test_small_probabilities_of_a_sigmoid_keep_their_digits() -> None:
    y = run_layer(Sigmoid(name="s"), np.array([[-20.0, -60]], "float32"))
    np.testing.assert_allclose(y, np.exp([[-20.0, -60]]), rtol=1e-5)


@both
def test_softmax_of_huge_numbers_is_a_distribution(xp: Namespace) -> None:
    y = run_layer(Softmax(name="s"), xp.asarray(vectors([1e4, -1e4, 1e4], [-1e4, -1e4, -1e4 - 1])), xp=xp)
    e = np.exp(-1)
    np.testing.assert_allclose(y.reshape(2, 3), [[0.5, 0, 0.5], np.array([1, 1, e]) / (2 + e)], rtol=1e-6)


@both
def test_embedding_takes_the_nearest_existing_row(xp: Namespace) -> None:
    layer = Embedding(name="e", input_dim=3, output_channels=1, has_bias=False)
    x = vectors([0.4], [1.9999], [-7], [8], [1e30], [-np.inf], [np.nan])
    weights = {"weights": np.array([[10, 11, 12]], "float32")}
    y = run_layer(layer, xp.asarray(x), weights, xp)
    np.testing.assert_array_equal(y.ravel(), [10, 12, 10, 12, 12, 10, np.nan])


def test_gradient_of_an_embedding_goes_to_the_used_rows() -> None:
    layer = Embedding(name="e", input_dim=4, output_channels=2)
    x = vectors([3], [1], [3])
    weights = {"weights": np.zeros((2, 4), "float32"), "bias": np.zeros(2, "float32")}
    shares = np.array([[1, 2], [4, 8], [16, 32]], "float32")
    gradient = jax.grad(lambda x, weights: (run_layer(layer, x, weights, jnp).reshape(3, 2) * shares).sum(), (0, 1))
    of_x, found = jax.jit(gradient)(x, weights)
    np.testing.assert_array_equal(of_x, np.zeros_like(x))
    np.testing.assert_array_equal(found["weights"], [[0, 4, 0, 17], [0, 8, 0, 34]])
    np.testing.assert_array_equal(found["bias"], [21, 42])


@pytest.mark.parametrize(
    "layer",
    [
        MVN(name="m"),
        MVN(name="m", across_channels=True),
        L2Normalize(name="l"),
        Batchnorm(name="b", compute_mean_var=True),
        Batchnorm(name="b", compute_mean_var=True, instance_normalization=True),
    ],
    ids=["mvn", "mvn across channels", "l2_normalize", "batchnorm", "batchnorm of instances"],
)
def test_normalization_of_a_constant_image_has_a_finite_gradient(layer: Layer) -> None:
    weights = {"gamma": np.ones(3, "float32"), "beta": np.zeros(3, "float32")}
    x = np.zeros((2, 1, 1, 3, 4, 4), "float32")
    y, slopes = jax.jit(jax.value_and_grad(lambda x: (run_layer(layer, x, weights, jnp) * np.arange(4)).sum()))(x)
    assert y == 0
    assert jnp.isfinite(slopes).all()


def test_batch_statistics_mix_examples_and_instance_statistics_do_not() -> None:
    weights = {"gamma": np.ones(2), "beta": np.zeros(2)}
    x = np.random.default_rng(0).uniform(-1, 1, (3, 1, 1, 2, 4, 4))
    for instances in (False, True):
        layer = Batchnorm(name="b", compute_mean_var=True, instance_normalization=instances)
        alone = run_layer(layer, x[:1], weights)
        assert np.allclose(run_layer(layer, x, weights)[:1], alone) is instances


@both
def test_local_normalization_keeps_nan_within_its_window(xp: Namespace) -> None:
    layer = LRN(name="l", alpha=1, beta=1, local_size=2)
    y = run_layer(layer, xp.asarray(vectors([1, 1, np.nan, 1, 1])), xp=xp)
    np.testing.assert_array_equal(np.isnan(y.ravel()), [False, False, True, True, False])
