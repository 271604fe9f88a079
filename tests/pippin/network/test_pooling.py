from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pippin.models.spec.layers.pooling import Pooling
from pippin.network.step import Step
from pippin.network.table import OPERATIONS
from pippin.network.window import Pair
from tests.pippin.models.layers.rows.windows import pooling
from tests.pippin.network.builders import layer_gradient, run_layer

MAXIMUM = Pooling(name="p", pooling_type="max", kernel_size=(2, 2), stride=(2, 2))


@st.composite
def poolings(draw: st.DrawFn) -> tuple[dict[str, Any], Pair]:
    """A layer's fields, height and width."""
    cells = st.integers(1, 4) | st.integers(9, 12)
    pair = st.tuples(st.integers(1, 4), st.integers(1, 4))
    border = st.tuples(st.integers(0, 3), st.integers(0, 3))
    padding = st.one_of(
        st.fixed_dictionaries({"type": st.just("valid"), "borders": st.tuples(border, border)}),
        st.fixed_dictionaries(
            {"type": st.just("same"), "mode": st.sampled_from(["bottom_right_heavy", "top_left_heavy"])}
        ),
        st.fixed_dictionaries({"type": st.just("include_last_pixel"), "amounts": border}),
    )
    fields = {
        "name": "p",
        "pooling_type": draw(st.sampled_from(["max", "average", "l2"])),
        "kernel_size": (draw(cells), draw(cells)),
        "stride": draw(pair),
        "padding": draw(padding),
        "avg_pool_exclude_padding": draw(st.booleans()),
    }
    return fields, draw(st.tuples(st.integers(1, 14), st.integers(1, 14)))


@given(poolings(), st.integers(0, 2**32 - 1))
@settings(max_examples=75)
def test_random_poolings_match_the_definition(drawn: tuple[dict[str, Any], Pair], seed: int) -> None:
    fields, size = drawn
    layer = Pooling(**fields)
    assume(not list(layer.faults(((2, *size),))))
    x = np.random.default_rng(seed).uniform(-1, 1, (2, 2, *size))
    y = OPERATIONS["pooling"](Step(layer, {}, np), x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    assert y.shape == (2, *layer.output_shapes(((2, *size),))[0])
    np.testing.assert_allclose(y, pooling(fields)(x), rtol=0, atol=1e-12)


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
def test_max_pooling_passes_the_gradient_to_the_first_of_equal_maxima(
    image: list[list[float]], expected: list[list[float]]
) -> None:
    x = np.array(image, "float32").reshape(1, 1, 2, 2)
    found = layer_gradient(MAXIMUM, x)
    np.testing.assert_array_equal(found[0, 0], expected)


@pytest.mark.parametrize("size", [(3, 3), (9, 3), (3, 9), (13, 10)])
def test_first_maximum_has_the_gradient_in_windows_of_every_size(size: tuple[int, int]) -> None:
    layer = Pooling(name="p", pooling_type="max", kernel_size=size)
    images = np.random.default_rng(0).integers(0, 4, (20, 1, *size)).astype("float32")
    for image, slopes in zip(images, layer_gradient(layer, images), strict=True):
        # argmax gives the first of equals, row by row.
        assert np.flatnonzero(slopes).tolist() == [image.argmax()]
        assert slopes.sum() == 1


@pytest.mark.parametrize("place", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_nan_is_the_maximum(place: tuple[int, int]) -> None:
    x = np.ones((1, 1, 2, 2), "float32")
    x[0, 0, *place] = np.nan
    assert np.isnan(run_layer(MAXIMUM, x)).all()
    assert jnp.isnan(run_layer(MAXIMUM, x, xp=jnp)).all()


def test_l2_pooling_of_zeros_has_gradient_0() -> None:
    layer = Pooling(name="p", pooling_type="l2", kernel_size=(1, 2), stride=(1, 2))
    x = np.array([0, 0, 3, 4], "float32").reshape(1, 1, 1, 4)
    found = layer_gradient(layer, x)
    np.testing.assert_allclose(found[0, 0, 0], [0, 0, 0.6, 0.8], rtol=1e-6)


def test_l2_pooling_of_nan_is_nan() -> None:
    layer = Pooling(name="p", pooling_type="l2", kernel_size=(1, 2), stride=(1, 2))
    x = np.array([np.nan, 0, 3, 4], "float32").reshape(1, 1, 1, 4)
    for xp in (np, jnp):
        np.testing.assert_allclose(run_layer(layer, x, xp=xp)[0, 0, 0], [np.nan, 5])
