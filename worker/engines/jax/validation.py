"""Measures a model on examples that it does not learn from."""

import jax
import numpy as np

from worker.engines.jax.chunks import Chunks
from worker.engines.jax.order import mini_batches
from worker.engines.jax.programs import Arrays, Programs

# Large enough to keep a device busy, small enough for its caches.
SIZE = 128


class Validation:
    """Mean loss and accuracy over the validation examples."""

    def __init__(self, programs: Programs, count: int, chunks: Chunks, trained: Arrays, frozen: Arrays) -> None:
        """Compile the program for weights of the shapes of `trained` and `frozen`."""
        self._rows, self._real = mini_batches(np.arange(count, dtype=np.int32), SIZE)
        self._count = count
        self._chunks = chunks
        self._has_classes = programs.network.has_classes
        self._program = jax.jit(programs.validate).lower(trained, frozen, chunks.nothing(SIZE, 0)).compile()

    def measure(self, trained: Arrays, frozen: Arrays) -> tuple[float, float | None]:
        """The mean loss, and the share of examples whose largest output is their label: None without classes.

        Raises:
            Stopped: A stop was requested.
        """
        loss, hits = 0.0, 0
        numbers = np.zeros((len(self._rows), 0))
        for sums, right in self._chunks.run(
            self._rows, self._real, numbers, lambda steps: self._program(trained, frozen, steps)
        ):
            loss += float(sums.sum(dtype=np.float64))
            hits += int(right.sum())
        return loss / self._count, hits / self._count if self._has_classes else None
