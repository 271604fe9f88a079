"""The optimizers SGD and Adam, with the formulas of `docs/semantics.md`."""

from dataclasses import dataclass
from typing import Protocol

import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from pippin.api.requests import Hyperparameters
from pippin.models.spec import Optimizer as Declared
from pippin.network import Array
from worker.engines.jax.switches import AdamForm, Momentum, Switches


class Optimizer(Protocol):
    """Computes new weights from gradients. An optimizer is immutable: the caller holds the changing arrays.

    The scalars of the formulas are passed as one row of numbers per step, computed on the host in float64. Therefore
    the compiled program holds no hyperparameter, and another learning rate needs no other program.
    """

    @property
    def learning_rate(self) -> float:
        """The learning rate of steps for which none is passed."""

    @property
    def moments(self) -> int:
        """Number of state arrays per weight, with the weight's shape; they start at zero."""

    def step_scalars(self, first: int, count: int, learning_rate: float | None = None) -> NDArray[np.float64]:
        """[count, n]: the scalars of `update` for the steps from `first` on; steps count from 1.

        A `learning_rate` replaces the optimizer's in these steps.
        """

    def update(
        self, weight: Array, moments: tuple[Array, ...], gradient: Array, row: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """The weight and its moments after one step; arrays have the weight's shape, `row` holds n numbers."""


@dataclass(frozen=True)
class Sgd:
    """v <- momentum * v + lr * g; w <- w - v, without Nesterov's look ahead (`SGDOptimizer`).

    The form `lr_outside` is v <- momentum * v + g; w <- w - lr * v. They differ only after the learning rate changes.
    """

    learning_rate: float
    momentum: float
    form: Momentum = "lr_inside"

    @property
    def moments(self) -> int:
        """One: the velocity v."""
        return 1

    def step_scalars(
        self,
        first: int,  # noqa: ARG002 - all steps have the same scalars
        count: int,
        learning_rate: float | None = None,
    ) -> NDArray[np.float64]:
        """[count, 2]: learning rate and momentum."""
        rate = self.learning_rate if learning_rate is None else learning_rate
        return np.tile([rate, self.momentum], (count, 1))

    def update(
        self, weight: Array, moments: tuple[Array, ...], gradient: Array, row: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """The weight and its velocity after one step."""
        learning_rate, momentum = row
        (velocity,) = moments
        if self.form == "lr_outside":
            velocity = momentum * velocity + gradient
            return weight - learning_rate * velocity, (velocity,)
        velocity = momentum * velocity + learning_rate * gradient
        return weight - velocity, (velocity,)


@dataclass(frozen=True)
class Adam:
    """w <- w - lr * sqrt(1 - beta2^t) / (1 - beta1^t) * m / (sqrt(v) + eps) (`AdamOptimizer`, MPSNNOptimizers.h).

    First m <- beta1 * m + (1 - beta1) * g and v <- beta2 * v + (1 - beta2) * g^2; t is the step, from 1.
    The form `eps_outside` adds eps to the corrected root:
    w <- w - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).
    After 12 steps with eps 1e-8 the two forms differed by 1e-4.
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

    def step_scalars(self, first: int, count: int, learning_rate: float | None = None) -> NDArray[np.float64]:
        """[count, 8]: beta1, 1 - beta1, beta2, 1 - beta2, eps, two corrections and the learning rate.

        The last three depend on the step; in the form `eps_hat` the corrections are 1 and the learning rate includes
        them.
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
        beta1, one_minus_beta1, beta2, one_minus_beta2, eps, correction1, correction2, rate = row
        m, v = moments
        m = beta1 * m + one_minus_beta1 * gradient
        v = beta2 * v + one_minus_beta2 * gradient * gradient
        return weight - rate * (m / correction1) / (jnp.sqrt(v / correction2) + eps), (m, v)


def optimizer_for(declared: Declared, hyperparameters: Hyperparameters, switches: Switches) -> Optimizer:
    """The optimizer that the model declares, with the job's hyperparameters."""
    learning_rate = _required("learning_rate", hyperparameters.learning_rate)
    if declared.type == "sgd":
        # Momentum is the only hyperparameter that a file may omit.
        return Sgd(learning_rate, hyperparameters.momentum or 0.0, switches.momentum)
    return Adam(
        learning_rate,
        _required("beta1", hyperparameters.beta1),
        _required("beta2", hyperparameters.beta2),
        _required("eps", hyperparameters.eps),
        switches.adam,
    )


def _required(name: str, value: float | None) -> float:
    if value is None:
        raise ValueError(f"the hyperparameter {name} is null; the model's optimizer needs a number")
    return value
