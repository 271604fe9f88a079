import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.models.spec import ResolvedSpec
from pippin.network import losses, losses_and_outputs, predict
from pippin.network.arrays import Array, Namespace, Weights
from pippin.network.losses import cross_entropy, mean_squared_error
from tests.pippin.network.builders import both, computed, differences, drawn_weights, gradient, model

# One for every kind of layer, each loss, and an image as the loss's input.
CLASSIFIER = [
    {"type": "convolution", "output_channels": 3, "kernel_size": [3, 3], "padding": "same", "updatable": True},
    {"type": "relu"},
    {"type": "pooling", "pooling_type": "max", "kernel_size": [2, 2], "stride": [2, 2]},
    {"type": "convolution", "output_channels": 4, "kernel_size": [2, 2], "updatable": True},
    {"type": "tanh"},
    {"type": "pooling", "pooling_type": "average", "kernel_size": [2, 2]},
    {"type": "flatten", "mode": "channel_first"},
    {"type": "inner_product", "output_channels": 5, "updatable": True},
    {"type": "sigmoid"},
    {"type": "inner_product", "output_channels": 3, "updatable": True},
    {"type": "softmax"},
]
IMAGES = [
    {"type": "convolution", "output_channels": 2, "kernel_size": [2, 2], "updatable": True},
    {"type": "pooling", "pooling_type": "max", "kernel_size": [2, 1], "stride": [2, 1]},
]


def network(loss: str, rng: np.random.Generator) -> tuple[ResolvedSpec, Weights, dict[str, Array]]:
    """The layers above with this loss, their weights, and four training examples."""
    classifies = loss == "categorical_cross_entropy"
    resolved = model((2, 7, 6), CLASSIFIER if classifies else CLASSIFIER[:-1], {"y": (3,)}, loss)
    weights = drawn_weights(resolved, rng)
    truth = rng.integers(0, 3, (4, 1)) if classifies else rng.uniform(-1, 1, (4, 3))
    return resolved, weights, {"x": rng.uniform(-1, 1, (4, 2, 7, 6)), "truth": truth}


@both
def test_cross_entropy_is_minus_the_logarithm_of_the_targets_probability(xp: Namespace) -> None:
    logits = np.random.default_rng(0).uniform(-3, 3, (4, 5)).astype("float32")
    target = np.array([[0], [4], [2], [2]])
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    found = computed(xp, lambda logits, target: cross_entropy(logits, target, xp), logits, target)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, -np.log(probabilities[range(4), target[:, 0]]), rtol=1e-6)


@both
def test_cross_entropy_of_huge_logits_is_finite_and_correct(xp: Namespace) -> None:
    logits = xp.array([[1e4, -1e4, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4], [1e4, 1e4, -1e4]], "float32")
    target = xp.array([[1], [0], [2], [0]])
    expected = [2e4, 0, np.log(3), np.log(2)]
    found = computed(xp, lambda logits, target: cross_entropy(logits, target, xp), logits, target)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_gradient_of_cross_entropy_is_probability_minus_truth() -> None:
    logits = np.array([[1e4, -1e4, 0], [1, 2, 3]], "float32")
    found = jax.jit(jax.grad(lambda logits: cross_entropy(logits, np.array([[1], [0]]), jnp).sum()))(logits)
    exponentials = np.exp([1.0, 2, 3])
    second = exponentials / exponentials.sum() - [1, 0, 0]
    np.testing.assert_allclose(found, [[1, -1, 0], second], rtol=1e-6, atol=1e-7)


@both
def test_mean_squared_error_is_the_mean_over_an_examples_outputs(xp: Namespace) -> None:
    output, target = xp.array([[1.0, 2, 3], [0, 0, 0]]), xp.array([[1.0, 0, 0], [3, 0, 0]])
    np.testing.assert_allclose(mean_squared_error(output, target, xp), [13 / 3, 3], rtol=1e-6)


@pytest.mark.full
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "mean_squared_error"])
def test_gradient_through_every_kind_of_layer_matches_differences(
    loss: str,
) -> None:
    resolved, weights, inputs = network(loss, np.random.default_rng(3))
    found = gradient(resolved, weights, inputs)
    for layer, key in [(layer, key) for layer, arrays in weights.items() for key in arrays]:

        def mean_loss(array: Array, layer: str = layer, key: str = key) -> float:
            return float(losses(resolved, {**weights, layer: {**weights[layer], key: array}}, inputs).mean())

        expected = differences(mean_loss, weights[layer][key])
        np.testing.assert_allclose(found[layer][key], expected, rtol=1e-5, atol=1e-9)
        assert np.abs(expected).max() > 1e-6


def test_image_can_be_the_loss_input() -> None:
    rng = np.random.default_rng(0)
    resolved = model((3, 5, 4), IMAGES, {"y": (2, 2, 3)})
    weights = drawn_weights(resolved, rng)
    inputs = {"x": rng.uniform(-1, 1, (4, 3, 5, 4)), "truth": rng.uniform(-1, 1, (4, 2, 2, 3))}
    expected = ((predict(resolved, weights, inputs)["y"] - inputs["truth"]) ** 2).mean(axis=(1, 2, 3))
    np.testing.assert_allclose(losses(resolved, weights, inputs), expected, rtol=1e-12)


@pytest.mark.parametrize("loss", ["categorical_cross_entropy", "mean_squared_error"])
def test_losses_and_outputs_equal_losses_and_predict(loss: str) -> None:
    resolved, weights, inputs = network(loss, np.random.default_rng(0))
    found, outputs = losses_and_outputs(resolved, weights, inputs)
    assert found.shape == (4,)
    np.testing.assert_array_equal(found, losses(resolved, weights, inputs))
    np.testing.assert_array_equal(outputs["y"], predict(resolved, weights, inputs)["y"])


def test_softmax_can_be_an_output_beside_its_loss() -> None:
    resolved, weights, inputs = network("categorical_cross_entropy", np.random.default_rng(0))
    found, outputs = losses_and_outputs(resolved, weights, inputs)
    np.testing.assert_allclose(outputs["y"].sum(axis=1), 1)
    np.testing.assert_allclose(found, -np.log(outputs["y"][range(4), inputs["truth"][:, 0]]))
