"""Layers that bring numbers of their own: constants, biases and scales."""

import numpy as np

from tests.pippin.models.layers.case import Case, Floats

SHAPE = [3, 4, 5]
# [1], [C], [1, H, W] and [C, H, W].
SHAPES = ([1], [3], [1, 4, 5], [3, 4, 5])


def at(array: Floats, channel: int, row: int, column: int) -> float:
    """The number of an array of one of these shapes that goes with a place of an image."""
    if array.ndim == 1:
        return float(array[channel if len(array) > 1 else 0])
    return float(array[channel if len(array) > 1 else 0, row, column])


def everywhere(array: Floats, x: Floats) -> Floats:
    """The same for every place of `x` [..., C, H, W]."""
    found = np.zeros_like(x)
    for place in np.ndindex(*x.shape[-3:]):
        found[(..., *place)] = at(array, *place)
    return found


def biased(x: Floats, bias: Floats) -> Floats:
    return x + everywhere(bias, x)


def scaled(x: Floats, scale: Floats, bias: Floats | None = None) -> Floats:
    return x * everywhere(scale, x) + (0 if bias is None else everywhere(bias, x))


CASES = [
    Case("", {"type": "load_constant", "shape": SHAPE}, [], lambda data: data[None, None]),
    Case(
        "given",
        {"type": "load_constant", "shape": [2, 1, 2], "data": [[[0.5, -2.0]], [[3.0, 0.25]]]},
        [],
        lambda data: np.array([[[[[0.5, -2.0]], [[3.0, 0.25]]]]]) + 0 * data,
    ),
    Case(
        "with exact mapping",
        {"type": "load_constant", "shape": [6, 1, 1]},
        [],
        lambda data: data[None, None],
        mapping="exact",
    ),
    *(Case(f"{shape}", {"type": "bias", "shape": shape}, [SHAPE], biased) for shape in SHAPES),
    *(Case(f"{shape}", {"type": "scale", "shape_scale": shape}, [SHAPE], scaled) for shape in SHAPES),
    *(
        Case(
            f"{shape} with bias {bias}",
            {"type": "scale", "shape_scale": shape, "has_bias": True, "shape_bias": bias},
            [SHAPE],
            scaled,
        )
        for shape, bias in zip(SHAPES, reversed(SHAPES), strict=True)
    ),
    Case("with bias of its shape", {"type": "scale", "shape_scale": [3], "has_bias": True}, [SHAPE], scaled),
    Case(
        "given",
        {"type": "scale", "shape_scale": [3], "scale": [0.5, 2.0, -1.0], "has_bias": True, "bias": [1.0, 0.0, 0.25]},
        [SHAPE],
        scaled,
    ),
    Case("of a vector", {"type": "bias", "shape": [6]}, [[6]], biased),
    Case("of a vector", {"type": "scale", "shape_scale": [6], "has_bias": True}, [[6]], scaled),
    *(
        Case(f"of rank {len(shape)}, {own}", layer, [shape], formula, mapping="exact")
        for shape in (SHAPE, [2, *SHAPE], [2, 1, *SHAPE])
        for own in ([3], SHAPE)
        for layer, formula in (
            ({"type": "bias", "shape": own}, biased),
            ({"type": "scale", "shape_scale": own, "has_bias": True}, scaled),
        )
    ),
]
