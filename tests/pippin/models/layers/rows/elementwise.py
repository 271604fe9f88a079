"""Layers that treat each number by itself, or the numbers at one place of several blobs."""

import numpy as np

from tests.pippin.models.layers.case import Case, Floats

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
    Case("sqrt", {"type": "unary", "function": "sqrt"}, [IMAGE], np.sqrt, low=0.1),
    Case(
        "sqrt, shifted and scaled",
        {"type": "unary", "function": "sqrt", "shift": 7.0, "scale": -3.0},
        [IMAGE],
        lambda x: np.sqrt(-3 * x + 7),
    ),
    Case("rsqrt", {"type": "unary", "function": "rsqrt"}, [IMAGE], lambda x: 1 / np.sqrt(x + 1e-6), low=0.1),
    Case(
        "rsqrt with epsilon",
        {"type": "unary", "function": "rsqrt", "epsilon": 0.5},
        [IMAGE],
        lambda x: 1 / np.sqrt(x + 0.5),
        low=0.1,
    ),
    Case("inverse", {"type": "unary", "function": "inverse"}, [IMAGE], lambda x: 1 / (x + 1e-6), low=0.1),
    Case(
        "inverse, shifted and scaled, with epsilon",
        {"type": "unary", "function": "inverse", "epsilon": 0.25, "shift": 4.0, "scale": 1.5},
        [IMAGE],
        lambda x: 1 / (1.5 * x + 4 + 0.25),
    ),
    Case("power", {"type": "unary", "function": "power", "alpha": 2.5}, [IMAGE], lambda x: x**2.5, low=0.1),
    Case("power, whole", {"type": "unary", "function": "power", "alpha": 3.0}, [IMAGE], lambda x: x * x * x),
    Case("power, 0", {"type": "unary", "function": "power"}, [IMAGE], np.ones_like),
    Case("power, negative", {"type": "unary", "function": "power", "alpha": -1.5}, [IMAGE], lambda x: x**-1.5, low=0.5),
    Case("exp", {"type": "unary", "function": "exp"}, [IMAGE], np.exp),
    Case("log", {"type": "unary", "function": "log"}, [IMAGE], np.log, low=0.1),
    Case("log, shifted", {"type": "unary", "function": "log", "shift": 2.5}, [IMAGE], lambda x: np.log(x + 2.5)),
    Case("abs", {"type": "unary", "function": "abs"}, [IMAGE], np.abs),
    Case("threshold", {"type": "unary", "function": "threshold", "alpha": 0.5}, [IMAGE], lambda x: np.maximum(0.5, x)),
    Case(
        "threshold, scaled",
        {"type": "unary", "function": "threshold", "alpha": -0.5, "scale": 2.0},
        [IMAGE],
        lambda x: np.maximum(-0.5, 2 * x),
    ),
    *(
        Case(f"abs of rank {len(shape)}", {"type": "unary", "function": "abs"}, [shape], np.abs, mapping="exact")
        for shape in ([6], [5, 6], [2, 2, 5, 6])
    ),
]
