"""Adam: steps scaled by running means of the gradient and of its square."""

from dataclasses import dataclass

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from pippin.network import Array
from worker.engines.jax.switches import AdamForm


@dataclass(frozen=True)
class Adam:
    """w <- w - lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps) (`AdamOptimizer`, MPSNNOptimizers.h).

    m <- beta1 * m + (1 - beta1) * g and v <- beta2 * v + (1 - beta2) * g^2 come first; t is the step, from 1.
    The form `eps_outside` adds eps to the corrected root:
    w <- w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).
    After 12 steps with eps 1e-8 the two were 1e-4 apart.
    """

    learning_rate: float
    beta1: float
    beta2: float
    eps: float
    form: AdamForm = "eps_hat"

    @property
    def moments(self) -> int:
        """Two: m and v."""
        return 2

    def rows(self, first: int, count: int, learning_rate: float | None = None) -> NDArray[np.float64]:
        """[count, 8]: beta1, 1 - beta1, beta2, 1 - beta2, eps and three that depend on the step.

        Those are the two corrections and the learning rate; in the form `eps_hat` the corrections are 1, and the
        learning rate holds them.
        """
        t = np.arange(first, first + count, dtype=np.float64)
        correction1, correction2 = 1 - self.beta1**t, 1 - self.beta2**t
        rate = np.full(count, self.learning_rate if learning_rate is None else learning_rate)
        if self.form == "eps_hat":
            rate = rate * np.sqrt(correction2) / correction1
            correction1 = correction2 = np.ones(count)
        fixed = np.tile([self.beta1, 1 - self.beta1, self.beta2, 1 - self.beta2, self.eps], (count, 1))
        return np.column_stack([fixed, correction1, correction2, rate])

    def update(
        self, weight: Array, moments: tuple[Array, ...], gradient: Array, row: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """The weight, m and v after one step."""
        beta1, rest1, beta2, rest2, eps, correction1, correction2, rate = row
        m, v = moments
        m = beta1 * m + rest1 * gradient
        v = beta2 * v + rest2 * gradient * gradient
        return weight - rate * (m / correction1) / (jnp.sqrt(v / correction2) + eps), (m, v)
