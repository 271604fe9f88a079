"""Layers that see an image's or a vector's numbers all at once, or one by one as numbers of rows."""

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, Formula, of_ranks


def inner_product(x: Floats, weights: Floats, bias: Floats | None = None) -> Floats:
    """The reshaping in the comment of `InnerProductLayerParams`; the examples are one axis more in front."""
    shape = x.shape[1:]
    taken = shape[-1:] if len(shape) < 4 else shape[-3:]
    rows = x.reshape(-1, *taken).reshape(-1, int(np.prod(taken)))
    y = np.array([[sum(row * kernel) for kernel in weights] for row in rows]) + (0 if bias is None else bias)
    made = (len(weights),) if len(shape) < 4 else (len(weights), 1, 1)
    return y.reshape(*x.shape[: -len(taken)], *made)


def embedding(x: Floats, weights: Floats, bias: Floats | None = None) -> Floats:
    y = np.zeros((*x.shape[:-3], len(weights), 1, 1))
    for place in np.ndindex(*x.shape[:-3]):
        column = weights[:, int(x[*place, 0, 0, 0])]
        y[*place, :, 0, 0] = column if bias is None else column + bias
    return y


def flattened(mode: str) -> Formula:
    def formula(x: Floats) -> Floats:
        *front, channels, height, width = x.shape
        images = x.reshape(-1, channels, height, width)
        y = np.zeros((len(images), channels * height * width))
        for c, h, w in np.ndindex(channels, height, width):
            first, last = (c * height + h) * width + w, (h * width + w) * channels + c
            y[:, first if mode == "channel_first" else last] = images[:, c, h, w]
        return y.reshape(*front, -1, 1, 1)

    return formula


def softmax(axis: int) -> Formula:
    def formula(x: Floats) -> Floats:
        exponentials = np.moveaxis(np.exp(x), axis, 0)
        return np.moveaxis(np.array([one / sum(exponentials) for one in exponentials]), 0, axis)

    return formula


DENSE = {"type": "inner_product", "output_channels": 3}
TABLE = {"type": "embedding", "input_dim": 5, "output_channels": 3}

CASES = [
    Case("of a vector", DENSE, [[6]], inner_product),
    Case("without bias", DENSE | {"has_bias": False}, [[6]], inner_product),
    Case("of an image", DENSE | {"input_channels": 24}, [[3, 2, 4]], inner_product),
    Case("given", DENSE | {"weights": [[1, 2], [3, 4], [5, 6.5]], "bias": [7, 8, 9]}, [[2]], inner_product),
    *of_ranks(DENSE, inner_product, [6], [2, 6], [2, 3, 6], [2, 3, 2, 4], [2, 1, 3, 2, 4]),
    Case("of a number", TABLE, [[1]], embedding, low=0, high=5, whole=True),
    Case("without bias", TABLE | {"has_bias": False}, [[1]], embedding, low=0, high=5, whole=True),
    Case(
        "given",
        {"type": "embedding", "input_dim": 2, "output_channels": 3}
        | {"weights": [[1, 2], [3, 4], [5, 6]], "bias": [7, 8, 9]},
        [[1]],
        embedding,
        low=0,
        high=2,
        whole=True,
    ),
    Case("of rank 4", TABLE, [[4, 1, 1, 1]], embedding, low=0, high=5, whole=True, mapping="exact"),
    Case("of a sequence", TABLE, [[3, 1, 1, 1, 1]], embedding, low=0, high=5, whole=True, mapping="exact"),
    *(
        Case(f"{mode} {name}", {"type": "flatten", "mode": mode}, [shape], flattened(mode), mapping=mapping)
        for mode in ("channel_first", "channel_last")
        for name, shape, mapping in (
            ("of an image", [3, 2, 4], "rank5"),
            ("of a vector", [5], "rank5"),
            ("of a sequence", [2, 1, 3, 2, 4], "exact"),
            ("of rank 3", [3, 2, 4], "exact"),
            ("of rank 4", [2, 3, 2, 4], "exact"),
        )
    ),
    Case("of a vector", {"type": "softmax"}, [[5]], softmax(-3)),
    Case("of an image over its channels", {"type": "softmax"}, [[3, 2, 4]], softmax(-3)),
    Case("of a sequence", {"type": "softmax"}, [[2, 1, 3, 2, 4]], softmax(-3), mapping="exact"),
    Case("of rank 3 over the last axis", {"type": "softmax"}, [[3, 2, 4]], softmax(-1), mapping="exact"),
    Case("of rank 4 over the channels", {"type": "softmax"}, [[2, 3, 2, 4]], softmax(-3), mapping="exact"),
]
