"""Measures a model on examples that it does not learn from."""

from concurrent.futures import Future, ThreadPoolExecutor

import jax
import numpy as np

from worker.engines.jax.chunks import Chunks
from worker.engines.jax.compilation import compiled
from worker.engines.jax.mini_batches import own_size
from worker.engines.jax.programs import Programs
from worker.engines.jax.training import Training

# Examples a mini-batch: enough to keep a device busy, few enough for its caches.
SIZE = 128


class Validation:
    """Mean loss and accuracy of a training's weights."""

    def __init__(self, programs: Programs, chunks: Chunks, training: Training) -> None:
        """Begin to compile the program; that goes on while the first epoch is trained."""
        self._batches = own_size(np.arange(chunks.examples, dtype=np.int32), SIZE)
        self._chunks = chunks
        self._training = training
        self._has_classes = programs.network.has_classes
        # Only the shapes: the first training step takes the arrays away.
        trained, frozen = jax.eval_shape(lambda *arrays: arrays, training.trained, training.frozen)
        nothing = chunks.nothing(SIZE, 0)
        background = ThreadPoolExecutor(1, "compile validation")
        self._program: Future[jax.stages.Compiled] = background.submit(
            lambda: compiled(jax.jit(programs.validate).lower(trained, frozen, nothing))
        )
        background.shutdown(wait=False)

    def measure(self) -> tuple[float, float | None]:
        """The mean loss, and the share of examples whose largest output is their label: None without classes.

        Raises:
            Stopped: A stop was requested.
        """
        program, training = self._program.result(), self._training
        loss, hits = 0.0, 0
        numbers = np.zeros((len(self._batches), 0))
        for sums, right in self._chunks.run(
            self._batches, numbers, lambda steps: program(training.trained, training.frozen, steps)
        ):
            loss += float(sums.sum(dtype=np.float64))
            hits += int(right.sum())
        count = self._chunks.examples
        return loss / count, hits / count if self._has_classes else None
