"""An independent trainer in float64 that follows any of the candidate rules."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.parity.problem import Adam, AdamForm, Kernels, Momentum, Order, Precision, Problem, Rules, Sgd

Array = NDArray[np.float64]
Arrays = dict[str, Array]


class Optimizer(Protocol):
    """Holds the state of an optimizer."""

    def steps(self, gradients: dict[str, Array], rate: float) -> dict[str, Array]:
        """The step of each array, to be subtracted from the array."""


def optimizer_of(declared: Sgd | Adam, rules: Rules) -> Optimizer:
    """The optimizer for the hyperparameters `declared`, in the form of the rules."""
    if isinstance(declared, Sgd):
        return _Sgd(declared, rules.momentum)
    return _Adam(declared, rules.adam)


class _Sgd:
    def __init__(self, declared: Sgd, form: Momentum) -> None:
        self._momentum, self._form = declared.momentum, form
        self._velocities: dict[str, Array] = {}

    def steps(self, gradients: dict[str, Array], rate: float) -> dict[str, Array]:
        return {name: self._step(name, gradient, rate) for name, gradient in gradients.items()}

    def _step(self, name: str, gradient: Array, rate: float) -> Array:
        decayed = self._momentum * self._velocities.get(name, np.zeros_like(gradient))
        if self._form == "lr_outside":
            velocity = decayed + gradient
            step = rate * velocity
        elif self._form == "dampened":
            step = velocity = decayed + (1 - self._momentum) * rate * gradient
        else:
            step = velocity = decayed + rate * gradient
            if self._form == "nesterov":
                step = self._momentum * velocity + rate * gradient
        self._velocities[name] = velocity
        return step


class _Adam:
    def __init__(self, declared: Adam, form: AdamForm) -> None:
        self._declared, self._form = declared, form
        self._means: dict[str, tuple[Array, Array]] = {}
        self._steps_taken = 0

    def steps(self, gradients: dict[str, Array], rate: float) -> dict[str, Array]:
        self._steps_taken += 1
        return {name: self._step(name, gradient, rate) for name, gradient in gradients.items()}

    def _step(self, name: str, gradient: Array, rate: float) -> Array:
        beta1, beta2, eps = self._declared.beta1, self._declared.beta2, self._declared.eps
        first, second = self._means.get(name, (np.zeros_like(gradient), np.zeros_like(gradient)))
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        self._means[name] = first, second
        correction1, correction2 = 1 - beta1**self._steps_taken, 1 - beta2**self._steps_taken
        step: Array
        if self._form == "uncorrected":
            step = first / (np.sqrt(second) + eps)
        elif self._form == "eps_hat":
            step = np.sqrt(correction2) / correction1 * first / (np.sqrt(second) + eps)
        elif self._form == "eps_in_root":
            step = (first / correction1) / np.sqrt(second / correction2 + eps)
        else:
            step = (first / correction1) / (np.sqrt(second / correction2) + eps)
        return rate * step


@dataclass(frozen=True)
class Outcome:
    """The result of a training.

    Attributes:
        weights: The trained layer's arrays, in the order and shape of the file.
        losses: The loss of each epoch; NaN for an epoch without steps.
    """

    weights: Arrays
    losses: tuple[float, ...]


def train(problem: Problem, rules: Rules) -> Outcome:
    """Train `problem` by `rules`."""
    inputs_float32, target = problem.data()
    x = inputs_float32.astype(np.float64)
    weights = _read({name: array.astype(np.float64) for name, array in problem.weights().items()}, rules.kernels)
    optimizer = optimizer_of(problem.optimizer, rules)
    losses = []
    for epoch, rate in enumerate(problem.rates()):
        order = tuple(range(problem.examples)) if rules.orders is None else rules.orders[epoch]
        means, own_means, counts = [], [], []
        for rows, own in _batches(order, problem.mini_batch_size, rules):
            inputs = _rounded(x[rows], rules.arithmetic)
            outputs = _forward(inputs, weights, rules.arithmetic)
            loss, slope = _loss_and_slope(outputs, target[rows], problem, rules)
            if rules.last_batch == "full_divisor":
                slope *= len(rows) / problem.mini_batch_size
            gradients = _backward(inputs, weights, _rounded(slope, rules.arithmetic))
            steps = optimizer.steps({k: _rounded(g, rules.arithmetic) for k, g in gradients.items()}, rate)
            weights = {name: _rounded(array - steps[name], rules.storage) for name, array in weights.items()}
            means.append(loss)
            own_means.append(_loss_and_slope(outputs[:own], target[rows[:own]], problem, rules)[0])
            counts.append(own)
        losses.append(_epoch_loss(means, own_means, counts, rules))
    return Outcome(_written(weights, rules.kernels), tuple(losses))


def _batches(order: Order, size: int, rules: Rules) -> list[tuple[list[int], int]]:
    """The rows of each mini-batch, and the number of leading rows that are its own examples."""
    batches = [list(order[first : first + size]) for first in range(0, len(order), size)]
    counts = [len(batch) for batch in batches]
    short = size - counts[-1]
    if short and rules.last_batch == "dropped":
        return list(zip(batches[:-1], counts[:-1], strict=True))
    if short and rules.last_batch == "filled":
        batches[-1] += [order[index % len(order)] for index in range(short)]
    if short and rules.last_batch == "filled_before":
        batches[-1] += batches[-2][-short:]
    return list(zip(batches, counts, strict=True))


def _forward(x: Array, weights: Arrays, precision: Precision) -> Array:
    """[N, outputs]."""
    kernels, bias = _rounded(weights["weights"], precision), _rounded(weights["bias"], precision)
    if kernels.ndim == 2:
        return _rounded(x @ kernels.T + bias, precision)
    windows = _windows(x, kernels)
    outputs = np.einsum("nchwij,ocij->nohw", windows, kernels) + bias[:, None, None]
    return _rounded(outputs.reshape(len(x), -1), precision)


def _backward(x: Array, weights: Arrays, slope: Array) -> Arrays:
    """The gradients of weights and bias, from the outputs' gradient `slope` [N, outputs]."""
    kernels = weights["weights"]
    if kernels.ndim == 2:
        return {"weights": slope.T @ x, "bias": slope.sum(axis=0)}
    windows = _windows(x, kernels)
    slopes = slope.reshape(len(x), len(kernels), *windows.shape[2:4])
    return {"weights": np.einsum("nchwij,nohw->ocij", windows, slopes), "bias": slopes.sum(axis=(0, 2, 3))}


def _windows(x: Array, kernels: Array) -> Array:
    """[N, inC, H', W', kH, kW]."""
    return np.lib.stride_tricks.sliding_window_view(x, kernels.shape[2:], axis=(2, 3))


def _loss_and_slope(outputs: Array, target: NDArray[np.generic], problem: Problem, rules: Rules) -> tuple[float, Array]:
    """The loss of a mini-batch, and its gradient with respect to the outputs."""
    count, width = outputs.shape
    if problem.loss == "categorical_cross_entropy":
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        log_probabilities = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
        one_hot = np.eye(width)[target.astype(np.int64).reshape(-1)]
        return -float((log_probabilities * one_hot).sum()) / count, (np.exp(log_probabilities) - one_hot) / count
    difference = outputs - target.astype(np.float64)
    factor = {
        "mean": 1 / (count * width),
        "half_mean": 0.5 / (count * width),
        "sum": 1 / count,
        "half_sum": 0.5 / count,
        "batch_sum": 1 / width,
    }[rules.squared_error]
    return factor * float((difference**2).sum()), 2 * factor * difference


def _epoch_loss(means: list[float], own_means: list[float], counts: list[int], rules: Rules) -> float:
    if not means:
        return float("nan")
    if rules.epoch_loss == "last_batch":
        return means[-1]
    if rules.epoch_loss == "batches":
        return float(np.mean(means))
    return float(np.average(own_means, weights=counts))


def _rounded(array: Array, precision: Precision) -> Array:
    return array.astype(np.float16).astype(np.float64) if precision == "float16" else array


_AXES: dict[Kernels, tuple[int, ...]] = {"oiwh": (0, 1, 3, 2), "iohw": (1, 0, 2, 3), "hwio": (2, 3, 1, 0)}
"""Layout -> for each axis of the file's bytes, the axis of [outC, inC, kH, kW] as which it is read."""


def _read(arrays: Arrays, kernels: Kernels) -> Arrays:
    """Reinterpret the file's arrays as a reader does that assumes the layout `kernels`."""
    weights = arrays["weights"]
    if kernels == "flipped":
        weights = weights[..., ::-1, ::-1]
    elif kernels in _AXES:
        axes = _AXES[kernels]
        weights = weights.reshape([weights.shape[axis] for axis in axes]).transpose(np.argsort(axes))
    return arrays | {"weights": weights}


def _written(arrays: Arrays, kernels: Kernels) -> Arrays:
    """Invert `_read`: the arrays in the file's layout."""
    weights = arrays["weights"]
    if kernels == "flipped":
        weights = weights[..., ::-1, ::-1]
    elif kernels in _AXES:
        weights = weights.transpose(_AXES[kernels]).reshape(weights.shape)
    return arrays | {"weights": weights}
