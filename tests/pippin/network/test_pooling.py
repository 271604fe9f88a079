from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pippin.network.arrays import Array, Namespace
from pippin.network.step import Step
from pippin.network.table import OPERATIONS
from pippin.network.window import Pair
from pippin.spec.layers.pooling import Pooling

Case = tuple[Pooling, Pair]
"""A layer, height and width."""


def by_definition(layer: Pooling, x: Array) -> Array:
    """Every output number by itself, from the cells that its window has in the image."""
    borders = layer.pads(x.shape[1:])
    y = np.zeros((x.shape[0], *layer.output_shapes((x.shape[1:],))[0]))
    for n, c, *position in np.ndindex(y.shape):
        first = [position[axis] * layer.stride[axis] - borders[axis][0] for axis in (0, 1)]
        rows, columns = (
            [
                cell
                for cell in range(first[axis], first[axis] + layer.kernel_size[axis])
                if 0 <= cell < x.shape[2 + axis]
            ]
            for axis in (0, 1)
        )
        cells = [x[n, c, row, column] for row in rows for column in columns]
        if layer.pooling_type == "max":
            y[n, c, *position] = max(cells)
        elif layer.avg_pool_exclude_padding:
            y[n, c, *position] = sum(cells) / len(cells)
        else:
            y[n, c, *position] = sum(cells) / (layer.kernel_size[0] * layer.kernel_size[1])
    return y


def pool(pooling_type: str, **fields: object) -> Pooling:
    return Pooling(**{"name": "p", "pooling_type": pooling_type, "kernel_size": (2, 2), "stride": (2, 2)} | fields)


BORDERS = {"type": "valid", "borders": [[1, 0], [2, 1]]}
TOP_LEFT = {"type": "same", "mode": "top_left_heavy"}
CASES: dict[str, Case] = {
    "max": (pool("max"), (6, 4)),
    "max, a row and a column left over": (pool("max"), (7, 5)),
    "max, overlapping": (pool("max", kernel_size=(3, 2), stride=(1, 1)), (5, 6)),
    "max, with gaps": (pool("max", kernel_size=(1, 2), stride=(2, 3)), (5, 8)),
    "max, borders": (pool("max", kernel_size=(2, 3), padding=BORDERS), (5, 6)),
    "max, same": (pool("max", kernel_size=(3, 2), padding="same"), (6, 5)),
    "max, same, top left": (pool("max", kernel_size=(3, 2), padding=TOP_LEFT), (6, 5)),
    "max, everything": (pool("max", kernel_size=(6, 5)), (6, 5)),
    "average": (pool("average"), (7, 5)),
    "average, overlapping": (pool("average", kernel_size=(3, 2), stride=(1, 2)), (5, 6)),
    "average, borders not counted": (pool("average", kernel_size=(2, 3), padding=BORDERS), (5, 6)),
    "average, borders counted": (
        pool("average", kernel_size=(2, 3), padding=BORDERS, avg_pool_exclude_padding=False),
        (5, 6),
    ),
    "average, same": (pool("average", kernel_size=(3, 2), padding="same"), (6, 5)),
    "average, same, top left": (pool("average", kernel_size=(3, 2), padding=TOP_LEFT), (6, 5)),
}
every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


@st.composite
def poolings(draw: st.DrawFn) -> Case:
    pair = st.tuples(st.integers(1, 4), st.integers(1, 4))
    border = st.tuples(st.integers(0, 3), st.integers(0, 3))
    valid = st.fixed_dictionaries({"type": st.just("valid"), "borders": st.tuples(border, border)})
    modes = st.sampled_from(["bottom_right_heavy", "top_left_heavy"])
    layer = pool(
        draw(st.sampled_from(["max", "average"])),
        kernel_size=draw(pair),
        stride=draw(pair),
        padding=draw(valid | st.fixed_dictionaries({"type": st.just("same"), "mode": modes})),
        avg_pool_exclude_padding=draw(st.booleans()),
    )
    size = draw(st.tuples(st.integers(1, 9), st.integers(1, 9)))
    assume(not list(layer.faults(((2, *size),))))
    return layer, size


@given(poolings(), st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_any_pooling_is_what_its_definition_says(case: Case, seed: int) -> None:
    layer, size = case
    x = np.random.default_rng(seed).uniform(-1, 1, (2, 2, *size))
    y = OPERATIONS["pooling"](Step(layer, {}, np), x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert y.shape == (2, *layer.output_shapes(((2, *size),))[0])
    np.testing.assert_allclose(y, by_definition(layer, x), rtol=0, atol=1e-12)


@every_case
def test_jax_agrees_with_numpy(run_layer: Callable[..., Array], case: Case) -> None:
    layer, size = case
    x = np.random.default_rng(0).uniform(-1, 1, (2, 3, *size)).astype("float32")
    y = jax.jit(lambda x: run_layer(layer, x, xp=jnp))(x)
    assert y.dtype == "float32"
    np.testing.assert_allclose(y, run_layer(layer, x), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(y, by_definition(layer, x), rtol=1e-5, atol=1e-6)


@every_case
@pytest.mark.usefixtures("float64")
def test_the_gradient_is_the_slope(
    run_layer: Callable[..., Array], slope: Callable[..., Array], distinct: Callable[..., Array], case: Case
) -> None:
    layer, size = case
    x = distinct(np.random.default_rng(0), (2, 2, *size))
    shares = np.random.default_rng(1).uniform(-1, 1, run_layer(layer, x).shape)

    def total(x: Array, xp: Namespace) -> Array:
        return (run_layer(layer, x, xp=xp) * shares).sum()

    found = jax.jit(jax.grad(lambda x: total(x, jnp)))(x)
    np.testing.assert_allclose(found, slope(lambda x: total(x, np), x), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ([[5, 5], [5, 5]], [[1, 0], [0, 0]]),
        ([[1, 5], [5, 5]], [[0, 1], [0, 0]]),
        ([[1, 2], [5, 5]], [[0, 0], [1, 0]]),
        # The first in row-major order, although the other stands in an earlier column.
        ([[1, 5], [5, 1]], [[0, 1], [0, 0]]),
        ([[0, 0], [-1, 0]], [[1, 0], [0, 0]]),
    ],
)
def test_the_gradient_goes_whole_to_the_first_of_equal_maxima(
    run_layer: Callable[..., Array], image: list[list[float]], expected: list[list[float]]
) -> None:
    x = np.array(image, "float32").reshape(1, 1, 2, 2)
    found = jax.grad(lambda x: run_layer(pool("max"), x, xp=jnp).sum())(x)
    np.testing.assert_array_equal(found[0, 0], expected)


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_what_is_not_a_number_is_the_maximum(run_layer: Callable[..., Array], place: tuple[int, int]) -> None:
    x = np.ones((1, 1, 2, 2), "float32")
    x[0, 0, *place] = np.nan
    assert np.isnan(run_layer(pool("max"), x)).all()
    assert jnp.isnan(run_layer(pool("max"), x, xp=jnp)).all()
