"""Every layer, in each of its modes: what it computes, its gradient, and what its file keeps."""

from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.models.mlmodel import build, read
from pippin.models.spec.table import LAYERS
from pippin.network import predict
from pippin.network.arrays import Array, Namespace
from tests.pippin.models.layers.case import Case
from tests.pippin.models.layers.rows import CASES, parameters

STEP = 1e-6

every_layer = pytest.mark.parametrize("case", CASES, ids=str)


def test_every_layer_type_has_a_case() -> None:
    assert {case.layer["type"] for case in CASES} == set(LAYERS)


@every_layer
def test_layer_output_matches_the_format(case: Case) -> None:
    resolved, inputs = case.resolved(), case.drawn()
    made = predict(resolved, case.weights(), inputs)
    for name, expected in case.expected(inputs).items():
        assert expected.shape[1:] == resolved.shapes[name]
        np.testing.assert_allclose(made[name].reshape(expected.shape), expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("case", parameters(CASES))
def test_jax_output_matches_and_its_gradient_is_the_slope(case: Case) -> None:
    resolved, inputs, weights = case.resolved(), case.drawn(examples=2), case.weights()
    rng = np.random.default_rng(5)
    ours = predict(resolved, weights, inputs)
    factors = {name: rng.uniform(-1, 1, array.shape) for name, array in ours.items()}

    def total(at: tuple[Mapping[str, Array], ...], xp: Namespace) -> tuple[Array, Mapping[str, Array]]:
        inputs, own = at
        made = predict(resolved, {**weights, "layer": own}, inputs, xp=xp)
        return sum((made[name] * factor).sum() for name, factor in factors.items()), made

    # What the network reads: inputs, and the layer's own weights.
    at = (inputs, weights.get("layer", {}))
    with jax.enable_x64(True):
        # One program for both, since to compile it is what takes the time.
        # Each case is compiled to run once: what the compiler does not spend on speed is a quarter of the time.
        unhurried = {"xla_backend_optimization_level": 0}
        slope = jax.jit(jax.value_and_grad(lambda at: total(at, jnp), has_aux=True), compiler_options=unhurried)
        (_, theirs), gradient = slope(at)
    for name, array in ours.items():
        assert theirs[name].shape == array.shape
        np.testing.assert_allclose(np.asarray(theirs[name]), array, rtol=1e-9, atol=1e-11)
    if not case.smooth:
        return
    # A few directions stand for all: a gradient that is wrong is wrong in almost every one of them.
    for _ in range(4):
        along = jax.tree.map(lambda array: rng.uniform(-1, 1, array.shape), at)
        above, below = (
            total(jax.tree.map(lambda value, by, sign=sign: value + sign * STEP * by, at, along), np)[0]
            for sign in (1, -1)
        )
        slopes = zip(jax.tree.leaves(gradient), jax.tree.leaves(along), strict=True)
        predicted = sum((np.asarray(slope) * by).sum() for slope, by in slopes)
        np.testing.assert_allclose(predicted, (above - below) / (2 * STEP), rtol=2e-5, atol=2e-6)


@every_layer
def test_layer_read_back_computes_the_same(case: Case) -> None:
    data = case.file()
    model = read(data)
    assert model.resolved.layers[0].weight_shapes == case.resolved().layers[0].weight_shapes
    assert build(model.resolved, model.weights) == data
    kept = {
        layer: {key: array.astype(np.float64) for key, array in arrays.items()}
        for layer, arrays in model.weights.items()
    }
    inputs = case.drawn()
    for name, ours in predict(case.resolved(), case.weights(), inputs).items():
        np.testing.assert_array_equal(predict(model.resolved, kept, inputs)[name], ours)
