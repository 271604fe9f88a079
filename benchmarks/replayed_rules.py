"""A small trainer in NumPy that replays the Mac's run with rules for which the engine has no switch."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from worker.engines.jax.shuffle import first_state, shuffled

Array = NDArray[np.float32]
SIZE, EPOCHS, RATE = 32, 500, np.float32(0.001)


@dataclass(frozen=True)
class Rule:
    """A rule of training.

    Attributes:
        last_batch: The treatment of an incomplete last mini-batch, as in `worker.parity.problem`.
        seed: The seed of libc++'s shuffle; None draws each epoch's order from another generator.
        factor: The factor of the gradient of each error: `factor * error / size`.
    """

    last_batch: Literal["filled", "own_size", "dropped", "full_divisor", "filled_before"] = "filled"
    seed: int | None = 0
    factor: float = 2.0


def replay(x: Array, y: Array, weights: list[Array], rule: Rule) -> list[Array]:
    """The weights after a training with `rule`.

    Args:
        x: [N, inputs] examples.
        y: [N] targets.
        weights: Weights [out, in] and bias [out] of each dense layer; a ReLU follows all layers but the last.
        rule: The rule of training.
    """
    weights = [array.copy() for array in weights]
    state = first_state(len(x), rule.seed or 0)
    other = np.random.default_rng(1)
    for _ in range(EPOCHS):
        state = shuffled(state)
        order = state.order if rule.seed is not None else other.permutation(len(x)).astype(np.int32)
        for rows, divisor in _mini_batches(order, rule):
            gradients = _gradients(x[rows], y[rows], weights, np.float32(rule.factor / divisor))
            for array, gradient in zip(weights, gradients, strict=True):
                np.subtract(array, RATE * gradient, out=array)
    return weights


def _mini_batches(order: NDArray[np.int32], rule: Rule) -> list[tuple[NDArray[np.int32], int]]:
    """The rows of each mini-batch, and the divisor for the sum of its gradients."""
    batches = [order[start : start + SIZE] for start in range(0, len(order), SIZE)]
    short = SIZE - len(batches[-1])
    if rule.last_batch == "dropped" and short:
        batches.pop()
    if rule.last_batch == "filled":
        batches[-1] = np.concatenate([batches[-1], order[:short]])
    if rule.last_batch == "filled_before":
        batches[-1] = np.concatenate([batches[-1], batches[-2][SIZE - short :]])
    return [(rows, len(rows) if rule.last_batch == "own_size" else SIZE) for rows in batches]


def _gradients(x: Array, y: Array, weights: list[Array], factor: np.float32) -> list[Array]:
    """The gradients, in the order of `weights`."""
    kernels, biases = weights[::2], weights[1::2]
    inputs = [x]
    for number, (kernel, bias) in enumerate(zip(kernels, biases, strict=True), 1):
        outputs = inputs[-1] @ kernel.T + bias
        inputs.append(np.maximum(outputs, 0) if number < len(kernels) else outputs)
    slope = factor * (inputs[-1] - y[:, None])
    gradients: list[Array] = []
    for kernel, layer_inputs in zip(reversed(kernels), reversed(inputs[:-1]), strict=True):
        gradients = [slope.T @ layer_inputs, slope.sum(axis=0), *gradients]
        # The output of a ReLU is 0 where the ReLU passes no gradient.
        slope = (slope @ kernel) * (layer_inputs > 0)
    return gradients
