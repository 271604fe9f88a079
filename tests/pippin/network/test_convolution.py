import itertools
import math
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pippin.network.arrays import Array, Convolve, LayerWeights, Namespace
from pippin.network.layers.convolution import FEW_CHANNELS
from pippin.network.step import Step
from pippin.network.table import OPERATIONS
from pippin.network.window import Borders, Pair
from pippin.spec.layers.convolution import Convolution

Case = tuple[Convolution, int, Pair]
"""A layer, its number of input channels, height and width."""


def same_border(size: int, reach: int, stride: int, mode: str) -> Pair:
    """`SamePadding`: as many positions as ceil(size / stride); half of what that lacks goes before, half after."""
    lacking = max(0, (math.ceil(size / stride) - 1) * stride + reach - size)
    less, more = lacking // 2, lacking - lacking // 2
    return (less, more) if mode == "bottom_right_heavy" else (more, less)


def borders_by_definition(layer: Convolution, size: Pair) -> Borders:
    if layer.padding.type == "valid":
        return layer.padding.borders
    top_bottom, left_right = (
        same_border(
            size[axis], (layer.kernel_size[axis] - 1) * layer.dilation[axis] + 1, layer.stride[axis], layer.padding.mode
        )
        for axis in (0, 1)
    )
    return top_bottom, left_right


def by_definition(layer: Convolution, x: Array, arrays: LayerWeights) -> Array:
    """Every output number by itself, from the formula of `ConvolutionLayerParams`."""
    (k_h, k_w), (s_h, s_w), (d_h, d_w) = layer.kernel_size, layer.stride, layer.dilation
    weights, bias = arrays["weights"], arrays.get("bias", np.zeros(layer.output_channels))
    x = np.pad(x, ((0, 0), (0, 0), *borders_by_definition(layer, x.shape[2:])))
    out_channels, in_channels = weights.shape[:2]
    height = (x.shape[2] - (k_h - 1) * d_h - 1) // s_h + 1
    width = (x.shape[3] - (k_w - 1) * d_w - 1) // s_w + 1
    y = np.zeros((x.shape[0], out_channels, height, width))
    for n, o, h, w in np.ndindex(y.shape):
        first = o // (out_channels // layer.groups) * in_channels
        y[n, o, h, w] = bias[o] + sum(
            weights[o, c, i, j] * x[n, first + c, h * s_h + i * d_h, w * s_w + j * d_w]
            for c, i, j in itertools.product(range(in_channels), range(k_h), range(k_w))
        )
    return y


def conv(**fields: object) -> Convolution:
    return Convolution(**{"name": "c", "output_channels": 4, "kernel_size": (3, 2)} | fields)


def drawn(case: Case, seed: int = 0, dtype: str = "float64") -> tuple[Array, dict[str, Array]]:
    """An input of two examples, and weights."""
    layer, in_channels, size = case
    rng = np.random.default_rng(seed)
    x = rng.uniform(-1, 1, (2, in_channels, *size)).astype(dtype)
    kernel = (layer.output_channels, in_channels // layer.groups, *layer.kernel_size)
    weights = {"weights": rng.uniform(-1, 1, kernel).astype(dtype)}
    if layer.has_bias:
        weights["bias"] = rng.uniform(-1, 1, layer.output_channels).astype(dtype)
    return x, weights


# One for every mode, with sizes that leave rows and columns over.
CASES: dict[str, Case] = {
    "plain": (conv(), 6, (7, 5)),
    "few channels": (conv(), 2, (7, 5)),
    "no bias": (conv(has_bias=False), 6, (7, 5)),
    "one pixel kernel": (conv(kernel_size=(1, 1)), 6, (3, 4)),
    "kernel as large as the image": (conv(kernel_size=(5, 4)), 6, (5, 4)),
    "stride": (conv(stride=(2, 3)), 6, (8, 9)),
    "dilation": (conv(dilation=(2, 3)), 6, (9, 8)),
    "groups": (conv(groups=2), 6, (6, 5)),
    "one channel a group": (conv(output_channels=6, groups=6), 6, (6, 5)),
    "borders": (conv(padding={"type": "valid", "borders": [[1, 2], [0, 3]]}), 6, (6, 5)),
    "same": (conv(padding="same", stride=(2, 1), kernel_size=(4, 2)), 6, (7, 6)),
    "same, top left": (
        conv(padding={"type": "same", "mode": "top_left_heavy"}, stride=(2, 1), kernel_size=(4, 2)),
        6,
        (7, 6),
    ),
    "all at once": (conv(padding="same", stride=(2, 3), dilation=(2, 1), groups=2), 6, (9, 7)),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@st.composite
def convolutions(draw: st.DrawFn) -> Case:
    groups = draw(st.integers(1, 3))
    in_channels = groups * draw(st.integers(1, FEW_CHANNELS + 1))
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    border = st.tuples(st.integers(0, 2), st.integers(0, 2))
    valid = st.fixed_dictionaries({"type": st.just("valid"), "borders": st.tuples(border, border)})
    modes = st.sampled_from(["bottom_right_heavy", "top_left_heavy"])
    layer = conv(
        output_channels=groups * draw(st.integers(1, 3)),
        kernel_size=draw(pair),
        stride=draw(pair),
        dilation=draw(pair),
        groups=groups,
        padding=draw(valid | st.fixed_dictionaries({"type": st.just("same"), "mode": modes})),
        has_bias=draw(st.booleans()),
    )
    size = draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))
    assume(not list(layer.faults(((in_channels, *size),))))
    return layer, in_channels, size


@given(convolutions(), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_any_convolution_is_what_the_formula_says(case: Case, seed: int) -> None:
    layer, in_channels, size = case
    x, weights = drawn(case, seed)
    y = OPERATIONS["convolution"](Step(layer, weights, np), x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert y.shape == (2, *layer.output_shapes(((in_channels, *size),))[0])
    np.testing.assert_allclose(y, by_definition(layer, x, weights), rtol=0, atol=1e-12)


@every_case
def test_numpy_follows_the_formula(run_layer: Callable[..., Array], case: Case) -> None:
    x, weights = drawn(case)
    np.testing.assert_allclose(run_layer(case[0], x, weights), by_definition(case[0], x, weights), rtol=0, atol=1e-12)


@every_case
@pytest.mark.parametrize("own", [False, True], ids=["slices", "native"])
def test_jax_agrees_with_numpy(
    run_layer: Callable[..., Array], native_convolution: Convolve, case: Case, *, own: bool
) -> None:
    x, weights = drawn(case, dtype="float32")
    convolve = native_convolution if own else None
    y = jax.jit(lambda x, weights: run_layer(case[0], x, weights, jnp, convolve))(x, weights)
    assert y.dtype == "float32"
    np.testing.assert_allclose(y, run_layer(case[0], x, weights), rtol=1e-5, atol=1e-5)


@every_case
@pytest.mark.usefixtures("float64")
def test_the_gradient_is_the_slope(run_layer: Callable[..., Array], slope: Callable[..., Array], case: Case) -> None:
    x, weights = drawn(case)
    shares = np.random.default_rng(1).uniform(-1, 1, run_layer(case[0], x, weights).shape)

    def total(x: Array, weights: LayerWeights, xp: Namespace) -> Array:
        return (run_layer(case[0], x, weights, xp) * shares).sum()

    of_x, of_weights = jax.jit(jax.grad(lambda x, weights: total(x, weights, jnp), argnums=(0, 1)))(x, weights)
    assert of_x.dtype == "float64"
    np.testing.assert_allclose(of_x, slope(lambda x: total(x, weights, np), x), rtol=1e-6, atol=1e-8)
    for key, array in weights.items():
        expected = slope(lambda array, key=key: total(x, {**weights, key: array}, np), array)
        np.testing.assert_allclose(of_weights[key], expected, rtol=1e-6, atol=1e-8)
