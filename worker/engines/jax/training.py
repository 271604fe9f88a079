"""Training steps: weights and moments stay on the device from chunk to chunk."""

from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from pippin.jobs.states import Reason
from pippin.spec.weights import Weights
from worker.engines.engine import EngineError
from worker.engines.jax.chunks import Chunks
from worker.engines.jax.compilation import compiled
from worker.engines.jax.order import mini_batches
from worker.engines.jax.parameters import picked
from worker.engines.jax.programs import Arrays, Programs, Steps

REMEDY = "a smaller learning rate may help, and so may data on a smaller scale and without values that are not finite"


@dataclass(frozen=True)
class Losses:
    """What an epoch's mini-batches gave, in order; it ends early where one of them was not finite.

    Attributes:
        sums: [steps] sums of losses, float64.
        real: [steps] numbers of examples.
    """

    sums: NDArray[np.float64]
    real: NDArray[np.int32]

    @property
    def mean(self) -> float:
        """The mean over all examples."""
        with np.errstate(invalid="ignore"):  # inf - inf, which a diverged epoch may hold
            return float(self.sums.sum() / self.real.sum())

    @property
    def means(self) -> tuple[float, ...]:
        """The mean of each mini-batch."""
        return tuple((self.sums / self.real).tolist())

    @property
    def diverged_at(self) -> int | None:
        """The first step, from 1, whose loss is not finite."""
        wrong = np.flatnonzero(~np.isfinite(self.sums))
        return int(wrong[0]) + 1 if wrong.size else None


class Training:
    """The state of a training.

    Attributes:
        trained: The weights that change, on the device. A chunk of steps replaces them: the old ones are gone then.
        frozen: The weights that do not change, on the device.
    """

    trained: Arrays
    frozen: Arrays

    def __init__(self, programs: Programs, weights: Weights, chunks: Chunks, size: int) -> None:
        """Put the weights on the device, with moments of zero, and compile the program for mini-batches of `size`."""
        self._keys, self._optimizer = programs.parameters.trained, programs.optimizer
        self._chunks = chunks
        self._size = size
        self._taken = 0
        trained = picked(weights, self._keys)
        self.trained = jax.device_put(trained)
        self.frozen = jax.device_put(picked(weights, programs.parameters.frozen))
        self._moments = jax.device_put(
            tuple(tuple(np.zeros_like(array) for _ in range(self._optimizer.moments)) for array in trained)
        )
        nothing = chunks.nothing(size, self._optimizer.rows(1, 1).shape[1])
        # Donated, weights and moments are overwritten in place.
        program = jax.jit(programs.train, donate_argnums=(0, 1))
        self._program = compiled(program.lower(self.trained, self._moments, self.frozen, nothing))

    def epoch(self, order: NDArray[np.int32], learning_rate: float | None = None) -> Losses:
        """Take a step for each mini-batch of `order`, until one's loss is not finite.

        Args:
            order: The rows of the examples, in the order in which they are visited.
            learning_rate: That of this epoch; None takes the optimizer's.

        Raises:
            Stopped: A stop was requested.
        """
        rows, real = mini_batches(order, self._size)
        numbers = self._optimizer.rows(self._taken + 1, len(rows), learning_rate)
        sums: list[NDArray[np.float64]] = []
        for (measured,) in self._chunks.run(rows, real, numbers, self._steps):
            sums.append(measured.astype(np.float64))
            if not np.isfinite(measured).all():
                break
        found = np.concatenate(sums)
        self._taken += len(found)
        return Losses(found, real[: len(found)])

    def weights(self, given: Weights) -> Weights:
        """The weights `given` with those that are trained replaced; what is frozen is handed back as it came.

        Raises:
            EngineError: A weight is not finite.
        """
        found = dict(zip(self._keys, map(np.array, self.trained), strict=True))
        for (layer, key), array in found.items():
            if not np.isfinite(array).all():
                raise EngineError(
                    Reason.DIVERGED, f"the {key} of layer {layer} are not finite after the last step; {REMEDY}"
                )
        return {
            layer: {key: found.get((layer, key), array) for key, array in arrays.items()}
            for layer, arrays in given.items()
        }

    def _steps(self, steps: Steps) -> tuple[jax.Array]:
        self.trained, self._moments, sums = self._program(self.trained, self._moments, self.frozen, steps)
        return (sums,)
