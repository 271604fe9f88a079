"""Stochastic gradient descent with momentum."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pippin.network import Array
from worker.engines.jax.switches import Momentum


@dataclass(frozen=True)
class Sgd:
    """v <- momentum * v + lr * g; w <- w - v, without Nesterov's look ahead (`SGDOptimizer`).

    The form `lr_outside` is v <- momentum * v + g; w <- w - lr * v. The two differ only once the learning rate changes.
    """

    learning_rate: float
    momentum: float
    form: Momentum = "lr_inside"

    @property
    def moments(self) -> int:
        """One: the velocity v."""
        return 1

    def rows(
        self,
        first: int,  # noqa: ARG002 - every step is alike
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
