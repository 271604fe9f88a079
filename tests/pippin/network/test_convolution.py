from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pippin.models.spec import Layer
from pippin.models.spec.layers.convolution import Convolution, Deconvolution
from pippin.network import predict
from pippin.network.arrays import Array
from pippin.network.layers.convolution import FEW_CHANNELS
from pippin.network.step import Step
from pippin.network.table import OPERATIONS
from pippin.network.window import Pair
from tests.pippin.models.layers.case import Case
from tests.pippin.models.layers.rows.windows import CASES, convolution, deconvolution
from tests.pippin.network.builders import native_convolution, run_layer

Drawn = tuple[dict[str, Any], int, Pair]
"""A layer's fields, its number of input channels, height and width."""


@st.composite
def layers(draw: st.DrawFn, *, dilated: bool) -> Drawn:
    groups = draw(st.integers(1, 3))
    in_channels = groups * draw(st.integers(1, FEW_CHANNELS + 1))
    pair = st.tuples(st.integers(1, 3), st.integers(1, 3))
    border = st.tuples(st.integers(0, 2), st.integers(0, 2))
    valid = st.fixed_dictionaries({"type": st.just("valid"), "borders": st.tuples(border, border)})
    modes = st.sampled_from(["bottom_right_heavy", "top_left_heavy"])
    fields: dict[str, Any] = {
        "name": "layer",
        "output_channels": groups * draw(st.integers(1, 3)),
        "kernel_size": draw(pair),
        "stride": draw(pair),
        "groups": groups,
        "padding": draw(valid | st.fixed_dictionaries({"type": st.just("same"), "mode": modes})),
        "has_bias": draw(st.booleans()),
    }
    if dilated:
        fields["dilation"] = draw(pair)
    return fields, in_channels, draw(st.tuples(st.integers(1, 8), st.integers(1, 8)))


def arrays_for(layer: Layer, shape: tuple[int, ...], seed: int) -> tuple[Array, dict[str, Array]]:
    """An input of two examples, channels first, and weights."""
    assume(not list(layer.faults((shape,))))
    rng = np.random.default_rng(seed)
    weights = {key: rng.uniform(-1, 1, size) for key, size in layer.weight_shapes((shape,)).items()}
    return rng.uniform(-1, 1, (2, *shape)), weights


def computed(layer: Layer, x: Array, weights: dict[str, Array]) -> Array:
    y = OPERATIONS[layer.type](Step(layer, weights, np), x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert y.shape == (2, *layer.output_shapes((x.shape[1:],))[0])
    return y


@given(layers(dilated=True), st.integers(0, 2**32 - 1))
def test_random_convolutions_match_the_formula(drawn: Drawn, seed: int) -> None:
    fields, in_channels, size = drawn
    layer = Convolution(**fields)
    x, weights = arrays_for(layer, (in_channels, *size), seed)
    np.testing.assert_allclose(computed(layer, x, weights), convolution(fields)(x, **weights), rtol=0, atol=1e-12)


@given(layers(dilated=False), st.none() | st.tuples(st.integers(1, 20), st.integers(1, 20)), st.integers(0, 2**32 - 1))
def test_random_deconvolutions_match_the_formula(drawn: Drawn, output_shape: Pair | None, seed: int) -> None:
    fields, in_channels, size = drawn
    if output_shape is not None:
        fields = fields | {"output_shape": output_shape}
    layer = Deconvolution(**fields)
    x, weights = arrays_for(layer, (in_channels, *size), seed)
    np.testing.assert_allclose(computed(layer, x, weights), deconvolution(fields)(x, **weights), rtol=0, atol=1e-12)


@given(layers(dilated=False), st.integers(0, 2**32 - 1))
def test_deconvolution_is_the_transpose_of_the_convolution(drawn: Drawn, seed: int) -> None:
    fields, in_channels, size = drawn
    backward = Deconvolution(**fields | {"has_bias": False})
    x, weights = arrays_for(backward, (in_channels, *size), seed)
    forward = Convolution(**fields | {"has_bias": False, "output_channels": in_channels})
    y = np.random.default_rng(seed).uniform(-1, 1, (2, *backward.output_shapes((x.shape[1:],))[0]))
    there = computed(forward, y, weights)
    assert there.shape == x.shape
    np.testing.assert_allclose((there * x).sum(), (y * computed(backward, x, weights)).sum(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("case", [case for case in CASES if "convolution" in case.layer["type"]], ids=str)
def test_convolution_of_the_caller_gives_the_same_output(case: Case) -> None:
    resolved = case.resolved()
    inputs, weights = jax.tree.map(np.float32, (case.drawn(), case.weights()))
    theirs = jax.jit(lambda weights, inputs: predict(resolved, weights, inputs, jnp, native_convolution))(
        weights, inputs
    )
    assert theirs["y0"].dtype == "float32"
    np.testing.assert_allclose(theirs["y0"], predict(resolved, weights, inputs)["y0"], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layer", [Convolution, Deconvolution])
def test_convolution_of_the_caller_is_used(layer: type[Convolution] | type[Deconvolution]) -> None:
    def nothing(x: Array, kernel: Array, **_how: object) -> Array:
        return jnp.zeros((*x.shape[:3], kernel.shape[3]))

    fields = {"name": "layer", "output_channels": 3, "kernel_size": (1, 1)}
    x, weights = np.ones((2, 4, 5, 6)), {"weights": np.ones((3, 4, 1, 1)), "bias": np.arange(3.0)}
    if layer is Deconvolution:
        weights["weights"] = weights["weights"].transpose(1, 0, 2, 3)
    y = run_layer(layer(**fields), x, weights, jnp, nothing)
    np.testing.assert_array_equal(y, np.broadcast_to(np.arange(3.0).reshape(3, 1, 1), (2, 3, 5, 6)))
