"""What an optimizer is to the training program."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pippin.network import Array


class Optimizer(Protocol):
    """Turns gradients into new weights. It is a value: all that changes lives in the arrays it is given.

    What the formulas need besides arrays comes as one row of numbers a step, computed on the host in float64; so the
    compiled program holds no hyperparameter, and another learning rate needs no other program.
    """

    @property
    def moments(self) -> int:
        """How many arrays of a weight's shape are kept beside it; they begin at zero."""

    def rows(self, first: int, count: int, learning_rate: float | None = None) -> NDArray[np.float64]:
        """[count, n]: what `update` needs in the steps from `first` on; the first step of all is 1.

        A `learning_rate` stands in these steps for that of the optimizer.
        """

    def update(
        self, weight: Array, moments: tuple[Array, ...], gradient: Array, row: tuple[Array, ...]
    ) -> tuple[Array, tuple[Array, ...]]:
        """The weight and its moments after one step; arrays have the weight's shape, `row` is n numbers."""
