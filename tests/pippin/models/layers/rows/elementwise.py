"""Layers that treat each number by itself, or the numbers at one place of several blobs."""

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, Formula, of_ranks

IMAGE = [3, 4, 5]
CHANNELS = [3, 1, 1]
PIXELS = [1, 4, 5]
NUMBER = [1, 1, 1]


def summed(*blobs: Floats) -> Floats:
    return sum(blobs[1:], blobs[0])


def multiplied(*blobs: Floats) -> Floats:
    product = blobs[0]
    for blob in blobs[1:]:
        product = product * blob
    return product


def averaged(*blobs: Floats) -> Floats:
    return summed(*blobs) / len(blobs)


def largest(*blobs: Floats) -> Floats:
    y: Floats = np.max(np.stack(np.broadcast_arrays(*blobs)), axis=0)
    return y


def smallest(*blobs: Floats) -> Floats:
    y: Floats = np.min(np.stack(np.broadcast_arrays(*blobs)), axis=0)
    return y


COMBINING = {"add": summed, "multiply": multiplied, "average": averaged, "max": largest, "min": smallest}


def dot(one: Floats, other: Floats) -> Floats:
    y = np.zeros_like(one[..., :1, :, :])
    for channel in range(one.shape[-3]):
        y += one[..., channel : channel + 1, :, :] * other[..., channel : channel + 1, :, :]
    return y


def cosine(one: Floats, other: Floats) -> Floats:
    y: Floats = dot(one, other) / (np.sqrt(dot(one, one)) * np.sqrt(dot(other, other)))
    return y


def unary(name: str, function: str, formula: Formula, low: float = -2.0, **fields: float) -> Case:
    return Case(name, {"type": "unary", "function": function} | fields, [IMAGE], formula, low=low)


CASES = [
    Case("with a number", {"type": "add", "alpha": -1.5}, [IMAGE], lambda x: x - 1.5),
    Case("with a number, of rank 2", {"type": "add", "alpha": 0.1}, [[4, 5]], lambda x: x + 0.1, mapping="exact"),
    Case("with a number", {"type": "multiply", "alpha": -1.5}, [IMAGE], lambda x: -1.5 * x),
    Case("with 0", {"type": "multiply", "alpha": 0.0}, [IMAGE], lambda x: 0 * x),
    *(Case("of one", {"type": kind}, [IMAGE], COMBINING[kind]) for kind in ("average", "max", "min")),
    *(
        Case(name, {"type": kind}, shapes, formula)
        for kind, formula in COMBINING.items()
        for name, shapes in (
            ("of two", [IMAGE, IMAGE]),
            ("of three", [IMAGE, IMAGE, IMAGE]),
            ("of two vectors", [[6], [6]]),
            ("repeats channels", [IMAGE, CHANNELS]),
            ("repeats a smaller first", [CHANNELS, IMAGE]),
            ("repeats pixels", [IMAGE, PIXELS]),
            ("repeats a number", [IMAGE, NUMBER]),
            ("repeats both ways", [CHANNELS, PIXELS]),
        )
    ),
    *(
        Case(f"of rank {len(shapes[0])}", {"type": kind}, shapes, formula, mapping="exact")
        for (kind, formula), shapes in zip(
            COMBINING.items(),
            (
                [[2, *IMAGE], [2, *CHANNELS]],
                [IMAGE, PIXELS],
                [[2, 1, *IMAGE], [2, 1, *NUMBER]],
                [[4, 5], [4, 5]],
                [[6], [6]],
            ),
            strict=True,
        )
    ),
    Case("", {"type": "dot"}, [[6], [6]], dot),
    Case("cosine", {"type": "dot", "cosine_similarity": True}, [[6], [6]], cosine),
    Case("of rank 3", {"type": "dot"}, [[6, 1, 1], [6, 1, 1]], dot, mapping="exact"),
    Case("of rank 4", {"type": "dot"}, [[2, 6, 1, 1], [2, 6, 1, 1]], dot, mapping="exact"),
    Case(
        "cosine of a sequence",
        {"type": "dot", "cosine_similarity": True},
        [[2, 1, 6, 1, 1], [2, 1, 6, 1, 1]],
        cosine,
        mapping="exact",
    ),
    unary("sqrt", "sqrt", np.sqrt, low=0.1),
    unary("sqrt, shifted and scaled", "sqrt", lambda x: np.sqrt(-3 * x + 7), shift=7.0, scale=-3.0),
    unary("rsqrt", "rsqrt", lambda x: 1 / np.sqrt(x + 1e-6), low=0.1),
    unary("rsqrt with epsilon", "rsqrt", lambda x: 1 / np.sqrt(x + 0.5), low=0.1, epsilon=0.5),
    unary("inverse", "inverse", lambda x: 1 / (x + 1e-6), low=0.1),
    unary(
        "inverse, shifted and scaled, with epsilon",
        "inverse",
        lambda x: 1 / (1.5 * x + 4 + 0.25),
        epsilon=0.25,
        shift=4.0,
        scale=1.5,
    ),
    unary("power", "power", lambda x: x**2.5, low=0.1, alpha=2.5),
    unary("power, whole", "power", lambda x: x * x * x, alpha=3.0),
    unary("power, 0", "power", np.ones_like),
    unary("power, negative", "power", lambda x: x**-1.5, low=0.5, alpha=-1.5),
    unary("exp", "exp", np.exp),
    unary("log", "log", np.log, low=0.1),
    unary("log, shifted", "log", lambda x: np.log(x + 2.5), shift=2.5),
    unary("abs", "abs", np.abs),
    unary("threshold", "threshold", lambda x: np.maximum(0.5, x), alpha=0.5),
    unary("threshold, scaled", "threshold", lambda x: np.maximum(-0.5, 2 * x), alpha=-0.5, scale=2.0),
    *of_ranks({"type": "unary", "function": "abs"}, np.abs, [6], [5, 6], [2, 2, 5, 6], name="abs"),
]
