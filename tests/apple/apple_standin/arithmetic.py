"""Losses and optimizers, with every formula that is not documented."""

from typing import Any

import numpy as np

from apple_standin.knobs import knob
from apple_standin.network import Weights


@np.errstate(all="ignore")
def cross_entropy(logits: Any, labels: Any) -> tuple[Any, Any]:
    """The loss of each example, and the gradient at the softmax's input of their mean. `logits` is [N, C, 1, 1]."""
    shifted = logits[:, :, 0, 0] - logits[:, :, 0, 0].max(axis=1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    rows = np.arange(len(labels))
    gradient = np.exp(logs)
    gradient[rows, labels] -= 1.0
    return -logs[rows, labels], (gradient / len(labels))[:, :, None, None]


@np.errstate(all="ignore")
def mean_squared_error(outputs: Any, targets: Any) -> tuple[Any, Any]:
    """The loss of each example, and the gradient of their mean, in the form that the knob MSE names."""
    form = knob("MSE")
    factor = (0.5 if form.startswith("half") else 1.0) / (outputs[0].size if form.endswith("mean") else 1)
    difference = outputs - targets.reshape(outputs.shape)
    losses = factor * (difference**2).reshape(len(outputs), -1).sum(axis=1)
    return losses, 2.0 * factor * difference / len(outputs)


class SGD:
    """Momentum in the form that the knob MOMENTUM names."""

    def __init__(self) -> None:
        self._velocity: Weights = {}

    @np.errstate(all="ignore")
    def step(self, weights: Weights, gradients: Weights, values: dict[str, float]) -> Weights:
        """The weights after one step; nothing is changed in place."""
        rate, momentum = values["learningRate"], values.get("momentum", 0.0)
        outside = knob("MOMENTUM") == "lr_outside"
        after = {name: dict(arrays) for name, arrays in weights.items()}
        for name, arrays in gradients.items():
            velocity = self._velocity.setdefault(name, {})
            for part, g in arrays.items():
                velocity[part] = momentum * velocity.get(part, 0.0) + (g if outside else rate * g)
                after[name][part] = weights[name][part] - (rate if outside else 1.0) * velocity[part]
        return after


class Adam:
    """With the eps where the knob ADAM puts it."""

    def __init__(self) -> None:
        self._moments: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._steps = 0

    @np.errstate(all="ignore")
    def step(self, weights: Weights, gradients: Weights, values: dict[str, float]) -> Weights:
        """The weights after one step; nothing is changed in place."""
        self._steps += 1
        beta1, beta2, eps, rate = (values[name] for name in ("beta1", "beta2", "eps", "learningRate"))
        corrected1, corrected2 = 1.0 - beta1**self._steps, 1.0 - beta2**self._steps
        after = {name: dict(arrays) for name, arrays in weights.items()}
        for name, arrays in gradients.items():
            for part, g in arrays.items():
                m, v = self._moments.get((name, part), (0.0, 0.0))
                m, v = beta1 * m + (1.0 - beta1) * g, beta2 * v + (1.0 - beta2) * g * g
                self._moments[name, part] = m, v
                if knob("ADAM") == "eps_hat":
                    step = rate * np.sqrt(corrected2) / corrected1 * m / (np.sqrt(v) + eps)
                else:
                    step = rate * (m / corrected1) / (np.sqrt(v / corrected2) + eps)
                after[name][part] = weights[name][part] - step
        return after
