"""The layers that the stand-in knows, forwards and backwards, on arrays [N, C, H, W] in float64.

A layer takes its parameters, its inputs and its weights, and returns its outputs and a function `back`, which from the
gradients of the outputs gives those of the inputs and of the weights.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from apple_standin import windows
from apple_standin.errors import CoreMLError


def inner_product(_params: Any, xs: Any, weights: Any) -> Any:
    """Weights [outC, inC]; the input may have any H and W whose product with C is inC."""
    (x,) = xs
    w, flat = weights["weights"], x.reshape(len(x), -1)
    if flat.shape[1] != w.shape[1]:
        raise CoreMLError("Generic", f"an inner product has {w.shape[1]} inputs and is fed {flat.shape[1]}")
    y = flat @ w.T + weights.get("biases", 0.0)

    def back(dys: Any, *, to_input: bool) -> Any:
        dy = dys[0][:, :, 0, 0]
        gradients = {"weights": dy.T @ flat}
        if "biases" in weights:
            gradients["biases"] = dy.sum(axis=0)
        return [(dy @ w).reshape(x.shape) if to_input else None], gradients

    return [y[:, :, None, None]], back


def flatten(params: Any, xs: Any, _weights: Any) -> Any:
    """CHANNEL_FIRST keeps the order C, H, W; CHANNEL_LAST makes it H, W, C."""
    (x,) = xs
    last = params.mode == 1
    moved = x.transpose(0, 2, 3, 1) if last else x

    def derivative(dy: Any) -> Any:
        dx = dy.reshape(moved.shape)
        return [dx.transpose(0, 3, 1, 2) if last else dx]

    return [moved.reshape(len(x), -1, 1, 1)], _without_weights(derivative)


def softmax(_params: Any, xs: Any, _weights: Any) -> Any:
    """Over the channels."""
    (x,) = xs
    powers = np.exp(x - x.max(axis=1, keepdims=True))
    y = powers / powers.sum(axis=1, keepdims=True)
    return [y], _without_weights(lambda dy: [y * (dy - (dy * y).sum(axis=1, keepdims=True))])


def add(params: Any, xs: Any, _weights: Any) -> Any:
    """The sum of inputs of one shape; of a single input and alpha."""
    if len({x.shape for x in xs}) != 1:
        raise CoreMLError("Generic", "the stand-in adds arrays of one shape only")
    total = sum(xs[1:], start=xs[0] + (params.alpha if len(xs) == 1 else 0.0))
    return [total], _without_weights(lambda dy: [dy] * len(xs))


def concat(params: Any, xs: Any, _weights: Any) -> Any:
    """Along the channels."""
    if params.sequenceConcat:
        raise CoreMLError("Generic", "the stand-in concatenates channels only")
    ends = np.cumsum([x.shape[1] for x in xs])[:-1]
    return [np.concatenate(xs, axis=1)], _without_weights(lambda dy: np.split(dy, ends, axis=1))


def batchnorm(params: Any, xs: Any, _weights: Any) -> Any:
    """With the statistics of the file; it has no gradient, as in Core ML."""
    if params.computeMeanVar or params.instanceNormalization:
        raise CoreMLError("Generic", "the stand-in normalizes with the file's statistics only")
    (x,) = xs
    gamma, beta, mean, variance = (
        np.asarray(getattr(params, name).floatValue, dtype=np.float64)[:, None, None]
        for name in ("gamma", "beta", "mean", "variance")
    )
    y = gamma * (x - mean) / np.sqrt(variance + (params.epsilon or 1e-5)) + beta

    def derivative(_dy: Any) -> Any:
        raise CoreMLError("Update", "Gradient of an inference mode batchnorm is not supported")

    return [y], _without_weights(derivative)


def _without_weights(derivative: Callable[[Any], Any]) -> Any:
    """The way back of a layer with one output: from its gradient to those of the inputs."""

    def back(dys: Any, *, to_input: bool) -> Any:  # noqa: ARG001  # cheap either way
        return derivative(dys[0]), {}

    return back


def _sigmoid(x: Any) -> Any:
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def activation(params: Any, xs: Any, _weights: Any) -> Any:
    """f(x) and f'(x) of each activation."""
    (x,) = xs
    kind = params.WhichOneof("NonlinearityType")
    if kind not in ACTIVATIONS:
        raise CoreMLError("Generic", f"the stand-in knows no activation {kind}")
    y, slope = ACTIVATIONS[kind](getattr(params, kind), x)
    return [y], _without_weights(lambda dy: [dy * slope])


def _sigmoid_with_slope(_p: Any, x: Any) -> Any:
    y = _sigmoid(x)
    return y, y * (1.0 - y)


def _tanh(_p: Any, x: Any) -> Any:
    y = np.tanh(x)
    return y, 1.0 - y * y


def _scaled_tanh(p: Any, x: Any) -> Any:
    y = np.tanh(p.beta * x)
    return p.alpha * y, p.alpha * p.beta * (1.0 - y * y)


def _elu(p: Any, x: Any) -> Any:
    below = p.alpha * np.exp(np.minimum(x, 0.0))
    return np.where(x > 0, x, below - p.alpha), np.where(x > 0, 1.0, below)


def _hard_sigmoid(p: Any, x: Any) -> Any:
    line = p.alpha * x + p.beta
    return np.clip(line, 0.0, 1.0), np.where((line > 0) & (line < 1), p.alpha, 0.0)


ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "ReLU": lambda _p, x: (np.maximum(x, 0.0), (x > 0).astype(np.float64)),
    "leakyReLU": lambda p, x: (np.where(x > 0, x, p.alpha * x), np.where(x > 0, 1.0, p.alpha)),
    "thresholdedReLU": lambda p, x: (np.where(x >= p.alpha, x, 0.0), (x >= p.alpha).astype(np.float64)),
    "linear": lambda p, x: (p.alpha * x + p.beta, np.full_like(x, p.alpha)),
    "sigmoid": _sigmoid_with_slope,
    "tanh": _tanh,
    "scaledTanh": _scaled_tanh,
    "sigmoidHard": _hard_sigmoid,
    "ELU": _elu,
    "softsign": lambda _p, x: (x / (1.0 + np.abs(x)), 1.0 / (1.0 + np.abs(x)) ** 2),
    "softplus": lambda _p, x: (np.logaddexp(0.0, x), _sigmoid(x)),
}

LAYERS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "convolution": windows.convolution,
    "innerProduct": inner_product,
    "pooling": windows.pooling,
    "flatten": flatten,
    "softmax": softmax,
    "add": add,
    "concat": concat,
    "batchnorm": batchnorm,
    "activation": activation,
}
"""By the field of `NeuralNetworkLayer`."""
