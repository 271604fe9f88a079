from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.models.spec import ResolvedSpec
from pippin.models.spec.layers.convolution import Convolution
from pippin.models.spec.layers.pooling import Pooling
from pippin.network import losses, predict
from pippin.network.arrays import Array, Weights
from pippin.network.layers.convolution import product
from pippin.network.plan import plan
from pippin.network.window import Borders, Pair, Window, with_borders
from tests.pippin.network.builders import computed, drawn_weights, gradient, model

RELU = {"type": "relu", "name": "relu"}


def conv(**fields: object) -> dict[str, object]:
    return {
        "type": "convolution",
        "name": "conv",
        "output_channels": 4,
        "kernel_size": [3, 3],
        "updatable": True,
    } | fields


def pool(**fields: object) -> dict[str, object]:
    return {"type": "pooling", "pooling_type": "max", "name": "pool", "kernel_size": [2, 2], "stride": [2, 2]} | fields


def names(resolved: ResolvedSpec, *, join: bool = True) -> list[str]:
    wanted = [output.name for output in resolved.outputs]
    return [task.compute.__name__ for task in plan(resolved, wanted, join=join)]


def slices_apart(x: Array, kernel: Array, *, stride: Pair, dilation: Pair, borders: Borders, groups: int) -> Array:
    """The convolution of pippin.network as a convolution from the caller, which is never joined."""
    bordered = with_borders(x, borders, 0, jnp)
    window = Window.within(bordered.shape[1:3], kernel.shape[:2], stride, dilation)
    return product(bordered, window, groups, kernel.transpose(3, 2, 0, 1), jnp)


# A convolution and the pooling after it, to be computed in one; (convolution, pooling, input channels).
JOINABLE = {
    "few channels": (conv(), pool(), 1),
    "many channels, no bias": (conv(has_bias=False), pool(), 6),
    "stride and dilation": (conv(stride=[2, 1], dilation=[1, 2]), pool(), 6),
    "groups and borders": (conv(groups=2, padding={"type": "valid", "borders": [[2, 0], [1, 2]]}), pool(), 6),
    "same, pooling with gaps": (conv(padding="same"), pool(kernel_size=[1, 2], stride=[2, 3]), 6),
    "pooling of nine": (conv(), pool(kernel_size=[3, 3], stride=[3, 3]), 2),
}


def one_after_the_other(resolved: ResolvedSpec, weights: Weights, inputs: Mapping[str, Array]) -> Array:
    """The mean loss of the model of the test below, each layer by itself, pooling by the place of the maximum."""
    convolution, pooling = resolved.layers[1].layer, resolved.layers[3].layer
    assert isinstance(convolution, Convolution)
    assert isinstance(pooling, Pooling)

    def weighed(y: Array, name: str, **how: Any) -> Array:  # noqa: ANN401 - options of JAX's function
        kernel = weights[name]["weights"].transpose(2, 3, 1, 0)
        y = jax.lax.conv_general_dilated(y, kernel, dimension_numbers=("NHWC", "HWIO", "NHWC"), **how)
        return y + weights[name].get("bias", 0)

    y = weighed(inputs["x"].transpose(0, 2, 3, 1), "first", window_strides=(1, 1), padding="VALID")
    y = weighed(
        y,
        "conv",
        window_strides=convolution.stride,
        rhs_dilation=convolution.dilation,
        padding=convolution.pads(resolved.layers[1].input_shapes[0]),
        feature_group_count=convolution.groups,
    )
    y = jnp.where(y > 0, y, 0)
    *_, height, width = resolved.layers[3].output_shapes[0]
    (k_h, k_w), (s_h, s_w) = pooling.kernel(resolved.layers[3].input_shapes[0]), pooling.strides()
    cells = [y[:, i::s_h, j::s_w][:, :height, :width] for i in range(k_h) for j in range(k_w)]
    windows = jnp.stack(cells, axis=-1)
    # argmax gives the first of equals.
    y = jnp.take_along_axis(windows, windows.argmax(axis=-1, keepdims=True), axis=-1)
    y = y.reshape(len(y), -1) @ weights["last"]["weights"].T + weights["last"]["bias"]
    return ((y - inputs["truth"]) ** 2).mean()


@pytest.mark.full
@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("pair", JOINABLE.values(), ids=JOINABLE)
def test_joining_changes_neither_loss_nor_gradient_at_equal_maxima(
    pair: tuple[dict[str, object], dict[str, object], int],
) -> None:
    convolution, pooling, channels = pair
    # The first layer makes the joined one hand a gradient on.
    layers = [conv(name="first", kernel_size=[1, 1], output_channels=channels), convolution, RELU, pooling]
    layers += [{"type": "flatten"}, {"type": "inner_product", "name": "last", "output_channels": 2, "updatable": True}]
    resolved = model((2, 11, 10), layers, {"y": (2,)})
    assert names(resolved) == ["convolution", "pooled_convolution", "relu", "flatten", "inner_product"]
    rng = np.random.default_rng(0)
    # Whole numbers, and means over powers of two, are exact in any order: equal one way is equal every way.
    weights = drawn_weights(resolved, rng, whole=True)
    inputs = {"x": rng.integers(-1, 2, (4, 2, 11, 10)).astype("float64"), "truth": rng.integers(-9, 9, (4, 2))}

    loss, found = jax.jit(jax.value_and_grad(lambda weights: losses(resolved, weights, inputs, jnp).mean()))(weights)
    reference = jax.jit(jax.value_and_grad(lambda weights: one_after_the_other(resolved, weights, inputs)))
    expected_loss, expected = reference(weights)
    assert loss == expected_loss
    assert np.abs(expected["first"]["weights"]).max() > 0
    jax.tree.map(np.testing.assert_array_equal, found, expected)


def test_joined_pooling_passes_the_gradient_to_the_first_maximum() -> None:
    # The kernel has as many channels as its pooling has cells, and weighs the pixels alike: all four maxima are equal.
    resolved = model((1, 2, 2), [conv(kernel_size=[1, 1], output_channels=1), pool()], {"y": (1, 1, 1)})
    weights = {"conv": {"weights": np.zeros((1, 1, 1, 1), "float32"), "bias": np.ones(1, "float32")}}
    inputs = {"x": np.array([[[[3, 5], [7, 11]]]], "float32"), "truth": np.zeros((1, 1, 1, 1), "float32")}
    # d(y^2) = 2 y dy with y = 1, and dy is the pixel under the first maximum.
    assert gradient(resolved, weights, inputs)["conv"]["weights"].item() == 2 * 3


@pytest.mark.parametrize("shape", [[5, 2, 7, 6], [5, 1, 2, 7, 6]], ids=["rank 4", "a sequence"])
def test_images_with_leading_axes_are_joined_like_one_image(shape: list[int]) -> None:
    rows, image = (
        model(size, [conv(), RELU, pool()], {"y": None}, array_input_shape_mapping=mapping)
        for mapping, size in (("exact", shape), ("rank5", [2, 7, 6]))
    )
    assert names(rows) == names(image) == ["pooled_convolution", "relu"]
    rng = np.random.default_rng(0)
    weights, x = drawn_weights(image, rng), rng.uniform(-1, 1, (3, *shape))
    y = predict(rows, weights, {"x": x})["y"]
    alone = predict(image, weights, {"x": x.reshape(15, 2, 7, 6)})["y"]
    np.testing.assert_allclose(y.reshape(alone.shape), alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("own", [False, True], ids=["joined", "apart"])
def test_nan_passes_through_joined_and_separate_layers(*, own: bool) -> None:
    resolved = model((1, 6, 6), [conv(), RELU, pool()], {"y": (4, 2, 2)})
    weights = drawn_weights(resolved, np.random.default_rng(0))
    x = np.zeros((1, 1, 6, 6))
    # Only the last of its pooling window's four numbers comes to be none.
    x[0, 0, 5, 5] = np.nan
    convolve = slices_apart if own else None
    y = computed(jnp, lambda x: predict(resolved, weights, {"x": x}, jnp, convolve)["y"], x.astype("float32"))
    assert jnp.isnan(y[:, :, 1, 1]).all()
    assert not jnp.isnan(y[:, :, 0, 0]).any()


def test_relu_moves_past_a_max_pooling_and_the_convolution_before_it_is_joined() -> None:
    resolved = model((1, 6, 6), [conv(), RELU, pool()], {"y": (4, 2, 2)})
    assert names(resolved) == ["pooled_convolution", "relu"]
    assert names(resolved, join=False) == ["convolution", "pooling", "relu"]


@pytest.mark.parametrize(
    "pooling",
    [
        pool(pooling_type="average"),
        pool(stride=[1, 2]),
        pool(padding={"type": "valid", "borders": [[1, 0], [0, 0]]}),
        pool(padding="same", kernel_size=[1, 2], stride=[1, 2]),
        pool(kernel_size=[4, 5], stride=[4, 5]),
    ],
    ids=["average", "overlapping", "borders", "same with a column over", "many cells"],
)
def test_other_poolings_are_not_joined(pooling: dict[str, object]) -> None:
    layers = [conv(kernel_size=[2, 2]), pooling, {"type": "flatten"}]
    layers += [{"type": "inner_product", "output_channels": 2}]
    resolved = model((1, 10, 10), layers, {"y": (2,)})
    assert names(resolved) == ["convolution", "pooling", "flatten", "inner_product"]


def test_relu_stays_before_an_average_pooling() -> None:
    resolved = model((1, 6, 6), [conv(), RELU, pool(pooling_type="average")], {"y": (4, 2, 2)})
    assert names(resolved) == ["convolution", "relu", "pooling"]


def predicted_beside_the_convolution(resolved: ResolvedSpec) -> tuple[dict[str, Array], Array]:
    """A model's outputs, and that of its convolution by itself."""
    rng = np.random.default_rng(0)
    weights, x = drawn_weights(resolved, rng), rng.uniform(-1, 1, (2, 1, 6, 6))
    convolution = model((1, 6, 6), [conv()], {"y": (4, 4, 4)})
    return predict(resolved, weights, {"x": x}), predict(convolution, weights, {"x": x})["y"]


@pytest.mark.parametrize("read", ["conv", "relu"])
def test_layers_of_a_blob_with_two_readers_are_not_joined(read: str) -> None:
    branch = {"type": "tanh", "name": "branch", "input": read}
    resolved = model((1, 6, 6), [conv(), RELU, branch, pool(input="relu")], {"branch": (4, 4, 4), "y": (4, 2, 2)})
    planned = names(resolved)
    assert "pooled_convolution" not in planned
    assert planned.index("relu") < planned.index("pooling") if read == "relu" else planned.count("convolution") == 1
    outputs, before = predicted_beside_the_convolution(resolved)
    after = np.maximum(before, 0)
    np.testing.assert_allclose(outputs["branch"], np.tanh(before if read == "conv" else after))
    np.testing.assert_allclose(outputs["y"], after.reshape(2, 4, 2, 2, 2, 2).max(axis=(3, 5)))


@pytest.mark.parametrize("shown", ["conv", "relu"])
def test_layers_of_an_output_blob_are_not_joined(shown: str) -> None:
    resolved = model((1, 6, 6), [conv(), RELU, pool()], {shown: (4, 4, 4), "y": (4, 2, 2)})
    assert "pooled_convolution" not in names(resolved)
    outputs, before = predicted_beside_the_convolution(resolved)
    np.testing.assert_allclose(outputs[shown], before if shown == "conv" else np.maximum(before, 0))


def test_unneeded_layers_are_not_computed() -> None:
    layers = [{"type": "inner_product", "name": "logits", "output_channels": 3, "updatable": True}, {"type": "softmax"}]
    resolved = model((4,), layers, {"y": (3,)}, "categorical_cross_entropy")
    assert [task.outputs for task in plan(resolved, ["logits"], join=True)] == [("logits",)]
