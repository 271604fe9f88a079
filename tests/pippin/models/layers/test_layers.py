"""Every layer, in each of its modes: what it computes, its gradient, and what its file keeps."""

from collections.abc import Iterator, Mapping

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pippin.models.mlmodel import build, read
from pippin.models.spec.table import LAYERS
from pippin.network import predict
from pippin.network.arrays import Array, Namespace
from tests.pippin.models.layers.case import Case, Floats
from tests.pippin.models.layers.rows import CASES, by_type

Point = tuple[Mapping[str, Floats], Mapping[str, Floats]]

STEP = 1e-6
# How many rows XLA compiles at once: one program for each row takes twice as long.
TOGETHER = 8
# Each program runs once: not to optimize it saves two thirds of the time.
UNOPTIMIZED = {"xla_backend_optimization_level": 0, "xla_cpu_use_fusion_emitters": False}


def test_every_layer_type_has_a_case() -> None:
    assert {case.layer["type"] for case in CASES} == set(LAYERS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_layer_output_matches_the_format_and_its_file_computes_the_same(case: Case) -> None:
    resolved, inputs = case.resolved(), case.drawn()
    ours = predict(resolved, case.weights(), inputs)
    for name, expected in case.expected(inputs).items():
        assert expected.shape[1:] == resolved.shapes[name]
        np.testing.assert_allclose(ours[name].reshape(expected.shape), expected, rtol=1e-9, atol=1e-11)

    model = read(case.file())
    assert model.resolved.layers[0].weight_shapes == resolved.layers[0].weight_shapes
    assert build(model.resolved, model.weights) == case.file()
    kept = {
        layer: {key: array.astype(np.float64) for key, array in arrays.items()}
        for layer, arrays in model.weights.items()
    }
    read_back = predict(model.resolved, kept, inputs)
    for name, array in ours.items():
        np.testing.assert_array_equal(read_back[name], array)


def together() -> Iterator[pytest.ParameterSet]:
    """The rows in groups for one program each; `make test` has the groups of the rows that represent their types."""
    for cases, marks in zip(by_type(CASES), ([], [pytest.mark.full]), strict=True):
        for start in range(0, len(cases), TOGETHER):
            group = cases[start : start + TOGETHER]
            yield pytest.param(group, id=f"{group[0]} to {group[-1]}", marks=marks)


class Row:
    """A row of the table at numbers drawn at random.

    Attributes:
        at: What the network reads: inputs, and the layer's own weights.
        outputs: What NumPy computes there.
    """

    def __init__(self, case: Case) -> None:
        self.case = case
        self.rng = np.random.default_rng(5)
        self.at: Point = (case.drawn(examples=2), case.weights().get("layer", {}))
        self.outputs = self.predict(self.at, np)
        self.factors = {name: self.rng.uniform(-1, 1, array.shape) for name, array in self.outputs.items()}

    def predict(self, at: Point, xp: Namespace) -> Mapping[str, Array]:
        inputs, own = at
        return predict(self.case.resolved(), {**self.case.weights(), "layer": own}, inputs, xp=xp)

    def total(self, outputs: Mapping[str, Array]) -> Array:
        """A number that depends on every output."""
        return sum((outputs[name] * factor).sum() for name, factor in self.factors.items())

    def check_slope(self, gradient: Point) -> None:
        """Compare a gradient with finite differences."""
        # A few directions stand for all: a gradient that is wrong is wrong in almost every one of them.
        for _ in range(2):
            along = jax.tree.map(lambda array: self.rng.uniform(-1, 1, array.shape), self.at)
            above, below = (
                self.total(self.predict(jax.tree.map(lambda value, by, to=to: value + to * by, self.at, along), np))
                for to in (STEP, -STEP)
            )
            slopes = zip(jax.tree.leaves(gradient), jax.tree.leaves(along), strict=True)
            predicted = sum((np.asarray(slope) * by).sum() for slope, by in slopes)
            slope = (above - below) / (2 * STEP)
            np.testing.assert_allclose(predicted, slope, rtol=2e-5, atol=2e-6, err_msg=str(self.case))


@pytest.mark.parametrize("cases", list(together()))
def test_jax_output_matches_and_its_gradient_is_the_slope(cases: list[Case]) -> None:
    rows = [Row(case) for case in cases]

    def total(points: list[Point]) -> tuple[Array, list[Mapping[str, Array]]]:
        outputs = [row.predict(at, jnp) for row, at in zip(rows, points, strict=True)]
        return sum(row.total(each) for row, each in zip(rows, outputs, strict=True)), outputs

    with jax.enable_x64(True):
        slope = jax.jit(jax.value_and_grad(total, has_aux=True), compiler_options=UNOPTIMIZED)
        (_, outputs), gradients = slope([row.at for row in rows])
    for row, theirs, gradient in zip(rows, outputs, gradients, strict=True):
        for name, array in row.outputs.items():
            assert theirs[name].shape == array.shape
            np.testing.assert_allclose(theirs[name], array, rtol=1e-9, atol=1e-11, err_msg=str(row.case))
        if row.case.smooth:
            row.check_slope(gradient)
