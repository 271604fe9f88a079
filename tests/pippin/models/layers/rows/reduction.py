"""Reductions: one number made of all along some axes."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tests.pippin.models.layers.case import Case, Floats

AXES = {"chw": (-3, -2, -1), "hw": (-2, -1), "c": (-3,), "h": (-2,), "w": (-1,)}

EPSILON = 1e-6

# Each takes a list of numbers in the order C, H, W.
MODES: dict[str, Callable[[Floats], float]] = {
    "sum": sum,
    "avg": lambda x: sum(x) / len(x),
    "prod": lambda x: np.exp(sum(np.log(np.abs(x)))) * (-1) ** sum(x < 0),
    "logsum": lambda x: sum(np.log(x + EPSILON)),
    "sumsquare": lambda x: sum(x * x),
    "l1": lambda x: sum(np.abs(x)),
    "l2": lambda x: np.sqrt(sum(x * x)),
    "max": max,
    "min": min,
    "argmax": lambda x: float(list(x).index(max(x))),
}


def reduced(mode: str, axis: str) -> Callable[[Floats], Floats]:
    def formula(x: Floats) -> Floats:
        axes = [x.ndim + place for place in AXES[axis]]
        kept = [1 if place in axes else length for place, length in enumerate(x.shape)]
        made = np.zeros(kept)
        for index in np.ndindex(*kept):
            along = tuple(slice(None) if place in axes else at for place, at in enumerate(index))
            made[index] = MODES[mode](x[along].ravel())
        return made

    return formula


def reduce(mode: str, axis: str, shape: list[int], name: str | None = None, **more: Any) -> Case:  # noqa: ANN401 - of a case
    layer = {"type": "reduce", "mode": mode, "axis": axis}
    return Case(name or f"{mode} {axis}", layer, [shape], reduced(mode, axis), **more)


IMAGE = [3, 4, 5]

CASES = [
    *(
        reduce(mode, axis, IMAGE, low=0.2 if mode == "logsum" else -2.0, smooth=mode != "argmax")
        for mode in MODES
        for axis in AXES
        if mode != "argmax" or len(axis) == 1
    ),
    *(
        reduce(mode, axis, shape, f"{mode} {axis} of rank {len(shape)}", mapping="exact")
        for mode, axis, shape in (
            ("sum", "w", [6]),
            ("max", "w", [5, 6]),
            ("sum", "h", [5, 6]),
            ("max", "hw", [5, 6]),
            ("sum", "chw", [3, 5, 6]),
            ("max", "c", [3, 5, 6]),
            ("sum", "c", [2, 3, 5, 6]),
            ("max", "chw", [2, 3, 5, 6]),
            ("max", "h", [2, 1, 3, 5, 6]),
            ("sum", "hw", [2, 1, 3, 5, 6]),
        )
    ),
    Case(
        "logsum with epsilon",
        {"type": "reduce", "mode": "logsum", "axis": "c", "epsilon": 3.0},
        [IMAGE],
        lambda x: np.log(x + 3).sum(axis=-3, keepdims=True),
    ),
    reduce("argmax", "h", IMAGE, "argmax of equals", whole=True, smooth=False),
    reduce("max", "c", [6], "max of a vector"),
]
