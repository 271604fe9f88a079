"""The candidate update formulas, in float64."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from worker.parity.problem import Adam, Sgd
from worker.parity.rules import AdamForm, Momentum, Rules

Array = NDArray[np.float64]


class Optimizer(Protocol):
    """Keeps what an optimizer remembers of the steps before."""

    def steps(self, gradients: dict[str, Array], rate: float) -> dict[str, Array]:
        """What is to be taken off each array."""


def optimizer_of(declared: Sgd | Adam, rules: Rules) -> Optimizer:
    """The optimizer `declared`, in the form of the rules."""
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
        kept = self._momentum * self._velocities.get(name, np.zeros_like(gradient))
        if self._form == "lr_outside":
            velocity = kept + gradient
            step = rate * velocity
        elif self._form == "dampened":
            step = velocity = kept + (1 - self._momentum) * rate * gradient
        else:
            step = velocity = kept + rate * gradient
            if self._form == "nesterov":
                step = self._momentum * velocity + rate * gradient
        self._velocities[name] = velocity
        return step


class _Adam:
    def __init__(self, declared: Adam, form: AdamForm) -> None:
        self._declared, self._form = declared, form
        self._means: dict[str, tuple[Array, Array]] = {}
        self._taken = 0

    def steps(self, gradients: dict[str, Array], rate: float) -> dict[str, Array]:
        self._taken += 1
        return {name: self._step(name, gradient, rate) for name, gradient in gradients.items()}

    def _step(self, name: str, gradient: Array, rate: float) -> Array:
        beta1, beta2, eps = self._declared.beta1, self._declared.beta2, self._declared.eps
        first, second = self._means.get(name, (np.zeros_like(gradient), np.zeros_like(gradient)))
        first = beta1 * first + (1 - beta1) * gradient
        second = beta2 * second + (1 - beta2) * gradient**2
        self._means[name] = first, second
        correction1, correction2 = 1 - beta1**self._taken, 1 - beta2**self._taken
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
