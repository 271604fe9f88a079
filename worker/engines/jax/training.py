"""Training steps and validation; weights and moments stay on the device between chunks."""

from array import array
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import jax
import numpy as np
from numpy.typing import NDArray

from pippin.api.states import Reason
from pippin.jobs.checkpoints import Checkpoint
from pippin.models.spec.weights import Weights
from worker.engines.engine import EngineError
from worker.engines.jax.chunks import Chunks
from worker.engines.jax.device import compiled, environment
from worker.engines.jax.programs import Arrays, Programs, Steps, select_arrays
from worker.engines.jax.schedule import MiniBatches, Schedule, own_size
from worker.engines.jax.start import ENGINE, nested

REMEDY = "a smaller learning rate may help, and so may data on a smaller scale and without values that are not finite"


@dataclass(frozen=True)
class Losses:
    """The losses of an epoch's mini-batches, in order, up to the first chunk with a loss that is not finite.

    Attributes:
        totals: [steps] sums of losses over all counted rows of a mini-batch, float64.
        sums: [steps] the same over the mini-batch's own examples only.
        batches: The mini-batches.
        resumed: How many of these steps were taken before the training was resumed.
    """

    totals: NDArray[np.float64]
    sums: NDArray[np.float64]
    batches: MiniBatches
    resumed: int = 0

    @property
    def mean(self) -> float:
        """The mean over all examples, each counted once, in the mini-batch to which it belongs."""
        with np.errstate(invalid="ignore"):  # inf - inf, which a diverged epoch may hold
            return float(self.sums.sum() / self.batches.valid_counts.sum())

    @property
    def means(self) -> tuple[float, ...]:
        """The mean of each mini-batch over all counted rows."""
        return tuple((self.totals / self.batches.sizes).tolist())

    @property
    def visited(self) -> int:
        """Number of examples trained on since the training began or was resumed."""
        return int(self.batches.valid_counts[self.resumed :].sum())

    @property
    def diverged_at(self) -> int | None:
        """The first step, counted from 1, whose loss is not finite; None if all are finite."""
        wrong = np.flatnonzero(~np.isfinite(self.totals))
        return int(wrong[0]) + 1 if wrong.size else None


class Training:
    """The state of a training.

    Attributes:
        trained: The trained weights, on the device. A chunk of steps replaces the arrays and invalidates the old ones.
        frozen: The other weights, on the device.
        finished: Number of finished epochs.
        taken: Number of steps taken in total.
    """

    trained: Arrays
    frozen: Arrays

    def __init__(
        self, programs: Programs, weights: Weights, start: Checkpoint, chunks: Chunks, schedule: Schedule
    ) -> None:
        """Copy weights and moments to the device, and compile the program for the schedule's mini-batches.

        Args:
            programs: The model's programs.
            weights: All weights of the model's file.
            start: The checkpoint at which the training starts, with the trained weights.
            chunks: Runs the steps.
            schedule: The mini-batches of the remaining epochs.
        """
        self._keys, self._optimizer = programs.parameters.trained, programs.optimizer
        self._chunks = chunks
        self._schedule = schedule
        self._switches = start.switches
        self.finished, self.taken = start.epoch, start.taken
        # Losses of the epoch after the finished epochs.
        self._totals, self._sums = array("d", start.batch_totals), array("d", start.batch_sums)
        self.trained = jax.device_put(select_arrays(start.weights, self._keys))
        self.frozen = jax.device_put(select_arrays(weights, programs.parameters.frozen))
        moments = [select_arrays(moment, self._keys) for moment in start.moments]
        self._moments = jax.device_put(tuple(zip(*moments, strict=True)))
        no_steps = chunks.no_steps(schedule.width, self._optimizer.step_scalars(1, 1).shape[1])
        # Weights and moments are donated, so that they are overwritten in place.
        program = jax.jit(programs.train, donate_argnums=(0, 1))
        self._program = compiled(program.lower(self.trained, self._moments, self.frozen, no_steps))

    def epoch(self, learning_rate: float | None = None) -> Losses:
        """Take the remaining steps of an epoch, one per mini-batch, until a loss is not finite.

        Args:
            learning_rate: The learning rate of this epoch; None takes the optimizer's.

        Raises:
            Stopped: A stop was requested.
        """
        batches = self._schedule.of(self.finished + 1)
        done = self._step
        # Computed for the whole epoch and then sliced: the bits must not depend on where the epoch was interrupted.
        scalars = self._optimizer.step_scalars(self.taken - done + 1, len(batches), learning_rate)
        rest = slice(done, None)
        for totals, sums in self._chunks.run(batches.part(rest), scalars[rest], self._steps):
            self._totals.extend(totals.tolist())
            self._sums.extend(sums.tolist())
            self.taken += len(totals)
            if not np.isfinite(totals).all():
                break
        return Losses(np.array(self._totals), np.array(self._sums), batches.part(slice(self._step)), done)

    def end_epoch(self) -> None:
        """Mark the epoch as finished, after its steps and its validation."""
        self.finished += 1
        self._totals, self._sums = array("d"), array("d")
        self._schedule.finish()

    @property
    def learning_rate(self) -> float:
        """The learning rate of epochs for which none is passed."""
        return self._optimizer.learning_rate

    @property
    def finite(self) -> bool:
        """Whether all trained weights are finite."""
        # Copied first: a view of JAX's memory would prevent the next chunk from overwriting it in place.
        return all(bool(np.isfinite(np.array(weight)).all()) for weight in self.trained)

    def checkpoint(self) -> Checkpoint:
        """A checkpoint of the current state, with copies of the arrays, which further steps do not change."""
        moments = [dict(zip(self._keys, map(np.array, each), strict=True)) for each in zip(*self._moments, strict=True)]
        return Checkpoint(
            engine=ENGINE,
            epoch=self.finished,
            step=self._step,
            taken=self.taken,
            batch_sums=tuple(self._sums),
            weights=nested(dict(zip(self._keys, map(np.array, self.trained), strict=True))),
            moments=tuple(nested(moment) for moment in moments),
            batch_totals=tuple(self._totals),
            environment=environment(),
            switches=self._switches,
            shuffle=self._schedule.shuffle,
        )

    @property
    def _step(self) -> int:
        return len(self._totals)

    def weights(self, initial: Weights) -> Weights:
        """The weights `initial` with the trained weights replaced; frozen weights are returned unchanged.

        Raises:
            EngineError: A weight is not finite.
        """
        trained = dict(zip(self._keys, map(np.array, self.trained), strict=True))
        for (layer, key), weight in trained.items():
            if not np.isfinite(weight).all():
                raise EngineError(
                    Reason.DIVERGED, f"the {key} of layer {layer} are not finite after the last step; {REMEDY}"
                )
        return {
            layer: {key: trained.get((layer, key), weight) for key, weight in arrays.items()}
            for layer, arrays in initial.items()
        }

    def _steps(self, steps: Steps) -> tuple[jax.Array, jax.Array]:
        self.trained, self._moments, totals, sums = self._program(self.trained, self._moments, self.frozen, steps)
        return totals, sums


# Examples per mini-batch of a validation: enough to keep a device busy, few enough for its caches.
SIZE = 128


class Validation:
    """Mean loss and accuracy of a training's weights."""

    def __init__(self, programs: Programs, chunks: Chunks, training: Training) -> None:
        """Start to compile the program in the background, during the first epoch."""
        self._batches = own_size(np.arange(chunks.examples, dtype=np.int32), SIZE)
        self._chunks = chunks
        self._training = training
        self._has_classes = programs.network.has_classes
        # Lowered from shapes only: the first training step invalidates the arrays.
        trained, frozen = jax.eval_shape(lambda *arrays: arrays, training.trained, training.frozen)
        no_steps = chunks.no_steps(SIZE, 0)
        background = ThreadPoolExecutor(1, "compile validation")
        self._program: Future[jax.stages.Compiled] = background.submit(
            lambda: compiled(jax.jit(programs.validate).lower(trained, frozen, no_steps))
        )
        background.shutdown(wait=False)

    def measure(self) -> tuple[float, float | None]:
        """The mean loss, and the share of examples whose largest output is their label; None without classes.

        Raises:
            Stopped: A stop was requested.
        """
        program, training = self._program.result(), self._training
        loss, hits = 0.0, 0
        scalars = np.zeros((len(self._batches), 0))
        for sums, right in self._chunks.run(
            self._batches, scalars, lambda steps: program(training.trained, training.frozen, steps)
        ):
            loss += float(sums.sum(dtype=np.float64))
            hits += int(right.sum())
        count = self._chunks.examples
        return loss / count, hits / count if self._has_classes else None
