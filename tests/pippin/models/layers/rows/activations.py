"""Activations: one number at a time, or one channel at a time."""

from typing import Any

import numpy as np

from tests.pippin.models.layers.case import Case, Floats, of_ranks

SHAPE = [[3, 4, 5]]
SEQUENCE = [[2, 1, 3, 4, 5]]
# Where the exponential of a float64 overflows.
FAR: dict[str, Any] = {"low": -800.0, "high": 800.0}
STEPS: dict[str, Any] = {"whole": True, "smooth": False}


def by_channel(parameter: Floats, x: Floats) -> Floats:
    """One number for each of `x` [..., C, H, W], from one for each channel, or from one for all."""
    found = np.zeros_like(x)
    for channel in range(x.shape[-3]):
        found[..., channel, :, :] = parameter[channel if len(parameter) > 1 else 0]
    return found


def elu(x: Floats) -> Floats:
    y: Floats = np.where(x >= 0, x, 0.7 * (np.exp(np.minimum(x, 0)) - 1))
    return y


def softplus(x: Floats) -> Floats:
    y: Floats = np.maximum(x, 0) + np.log(1 + np.exp(-np.abs(x)))
    return y


def prelu(x: Floats, alpha: Floats) -> Floats:
    y: Floats = np.where(x >= 0, x, by_channel(alpha, x) * x)
    return y


def parametric_softplus(x: Floats, alpha: Floats, beta: Floats) -> Floats:
    return by_channel(alpha, x) * softplus(by_channel(beta, x) * x)


CASES = [
    Case("", {"type": "relu"}, SHAPE, lambda x: np.maximum(x, 0)),
    Case("", {"type": "tanh"}, SHAPE, np.tanh),
    Case("", {"type": "sigmoid"}, SHAPE, lambda x: 1 / (1 + np.exp(-x))),
    Case("", {"type": "linear", "alpha": 0.3, "beta": -1.5}, SHAPE, lambda x: 0.3 * x - 1.5),
    Case("without beta", {"type": "linear", "alpha": -2.0}, [[6]], lambda x: -2 * x),
    Case("", {"type": "leaky_relu", "alpha": 0.1}, SHAPE, lambda x: np.where(x >= 0, x, 0.1 * x)),
    Case("", {"type": "thresholded_relu", "alpha": 0.5}, SHAPE, lambda x: x * (x >= 0.5)),
    Case("below 0", {"type": "thresholded_relu", "alpha": -0.5}, [[7]], lambda x: x * (x >= -0.5)),
    Case("at the threshold", {"type": "thresholded_relu", "alpha": 1.0}, SHAPE, lambda x: x * (x >= 1), **STEPS),
    Case("", {"type": "scaled_tanh", "alpha": 1.7, "beta": 0.6}, SHAPE, lambda x: 1.7 * np.tanh(0.6 * x)),
    Case("", {"type": "sigmoid_hard", "alpha": 0.4, "beta": 0.6}, SHAPE, lambda x: np.clip(0.4 * x + 0.6, 0, 1)),
    Case("", {"type": "elu", "alpha": 0.7}, SHAPE, elu),
    Case("far from 0", {"type": "elu", "alpha": 0.7}, SHAPE, elu, **FAR),
    Case("", {"type": "softsign"}, SHAPE, lambda x: x / (1 + np.abs(x))),
    Case("", {"type": "softplus"}, SHAPE, lambda x: np.log(1 + np.exp(x))),
    Case("far from 0", {"type": "softplus"}, SHAPE, softplus, **FAR),
    # The independent reader cannot repeat a PReLU's numbers over height and width.
    Case("", {"type": "prelu"}, SHAPE, prelu),
    Case("of a vector", {"type": "prelu"}, [[6]], prelu),
    Case("of rank 3", {"type": "prelu"}, SHAPE, prelu, mapping="exact"),
    Case("of a sequence", {"type": "prelu"}, SEQUENCE, prelu, mapping="exact"),
    Case("given", {"type": "prelu", "alpha": [0.5, -0.25, 2.0]}, SHAPE, prelu),
    Case("given one for all", {"type": "prelu", "alpha": [0.5]}, SHAPE, prelu),
    Case("one for all", {"type": "prelu", "shared_alpha": True}, SHAPE, prelu),
    Case("", {"type": "parametric_softplus"}, SHAPE, parametric_softplus),
    Case("of rank 4", {"type": "parametric_softplus"}, [[2, 3, 4, 5]], parametric_softplus, mapping="exact"),
    Case("one beta for all", {"type": "parametric_softplus", "shared_beta": True}, SHAPE, parametric_softplus),
    Case("given one alpha for all", {"type": "parametric_softplus", "alpha": [0.5]}, SHAPE, parametric_softplus),
    Case(
        "far from 0",
        {"type": "parametric_softplus", "alpha": [1.0, -1.0, 2.0], "beta": [1.0, -1.0, 1.5]},
        SHAPE,
        parametric_softplus,
        **FAR,
    ),
    *of_ranks({"type": "elu", "alpha": 0.7}, elu, [6], [2, 2, 5, 6]),
    *of_ranks({"type": "softplus"}, softplus, [5, 6]),
    *of_ranks({"type": "leaky_relu", "alpha": 0.1}, lambda x: np.where(x >= 0, x, 0.1 * x), [2, 5, 6]),
    Case(
        "", {"type": "clip", "min_val": -0.5, "max_val": 1.5}, SHAPE, lambda x: np.clip(x, -0.5, 1.5), mapping="exact"
    ),
]
