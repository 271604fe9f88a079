"""Training steps: weights and moments stay on the device from chunk to chunk."""

from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from pippin.checkpoints import Checkpoint
from pippin.jobs.states import Reason
from pippin.spec.weights import Weights
from worker.engines.engine import EngineError
from worker.engines.jax.chunks import Chunks
from worker.engines.jax.compilation import compiled
from worker.engines.jax.environment import environment
from worker.engines.jax.order import mini_batches
from worker.engines.jax.parameters import picked
from worker.engines.jax.programs import Arrays, Programs, Steps
from worker.engines.jax.start import ENGINE, nested

REMEDY = "a smaller learning rate may help, and so may data on a smaller scale and without values that are not finite"


@dataclass(frozen=True)
class Losses:
    """What an epoch's mini-batches gave, in order; it ends early where one of them was not finite.

    Attributes:
        sums: [steps] sums of losses, float64.
        real: [steps] numbers of examples.
        resumed: How many of these steps had been taken before the training was resumed.
    """

    sums: NDArray[np.float64]
    real: NDArray[np.int32]
    resumed: int = 0

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
    def visited(self) -> int:
        """How many examples were learned from since the training began or was resumed."""
        return int(self.real[self.resumed :].sum())

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
        finished: How many epochs are over.
        taken: How many steps were taken in all.
    """

    trained: Arrays
    frozen: Arrays

    def __init__(self, programs: Programs, weights: Weights, start: Checkpoint, chunks: Chunks, size: int) -> None:
        """Put weights and moments on the device, and compile the program for mini-batches of `size`.

        Args:
            programs: The model's.
            weights: All that the model's file holds.
            start: Where the training stands; the weights that change are taken from here.
            chunks: Runs the steps.
            size: How many examples a mini-batch has.
        """
        self._keys, self._optimizer = programs.parameters.trained, programs.optimizer
        self._chunks = chunks
        self._size = size
        self.finished, self.taken = start.epoch, start.taken
        # Of the epoch after those that are finished.
        self._sums = [np.asarray(start.batch_sums, np.float64)]
        self.trained = jax.device_put(picked(start.weights, self._keys))
        self.frozen = jax.device_put(picked(weights, programs.parameters.frozen))
        moments = [picked(moment, self._keys) for moment in start.moments]
        self._moments = jax.device_put(tuple(zip(*moments, strict=True)))
        nothing = chunks.nothing(size, self._optimizer.rows(1, 1).shape[1])
        # Donated, weights and moments are overwritten in place.
        program = jax.jit(programs.train, donate_argnums=(0, 1))
        self._program = compiled(program.lower(self.trained, self._moments, self.frozen, nothing))

    def epoch(self, order: NDArray[np.int32], learning_rate: float | None = None) -> Losses:
        """Take the steps that are left of an epoch, one for each mini-batch of `order`, until a loss is not finite.

        Args:
            order: The rows of the examples, in the order in which they are visited.
            learning_rate: That of this epoch; None takes the optimizer's.

        Raises:
            Stopped: A stop was requested.
        """
        rows, real = mini_batches(order, self._size)
        done = self._step
        # Those of the whole epoch, and then a part of them: so they are computed alike wherever it was interrupted.
        numbers = self._optimizer.rows(self.taken - done + 1, len(rows), learning_rate)
        for (measured,) in self._chunks.run(rows[done:], real[done:], numbers[done:], self._steps):
            self._sums.append(measured.astype(np.float64))
            self.taken += len(measured)
            if not np.isfinite(measured).all():
                break
        sums = np.concatenate(self._sums)
        return Losses(sums, real[: len(sums)], done)

    def end_epoch(self) -> None:
        """Count the epoch as finished: its steps are taken, and what was to be measured after them is measured."""
        self.finished += 1
        self._sums = []

    @property
    def finite(self) -> bool:
        """Whether all weights that change are."""
        # Copied first: a view of JAX's own memory would keep the next chunk from overwriting it in place.
        return all(bool(np.isfinite(np.array(array)).all()) for array in self.trained)

    def checkpoint(self) -> Checkpoint:
        """Where the training stands now, in copies that further steps leave alone."""
        moments = [dict(zip(self._keys, map(np.array, each), strict=True)) for each in zip(*self._moments, strict=True)]
        sums = [value for part in self._sums for value in part.tolist()]
        return Checkpoint(
            engine=ENGINE,
            epoch=self.finished,
            step=self._step,
            taken=self.taken,
            batch_sums=tuple(sums),
            weights=nested(dict(zip(self._keys, map(np.array, self.trained), strict=True))),
            moments=tuple(nested(moment) for moment in moments),
            environment=environment(),
        )

    @property
    def _step(self) -> int:
        return sum(map(len, self._sums))

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
