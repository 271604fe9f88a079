"""Runs mini-batches in chunks short enough that a wish to stop is soon heard."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from pippin.network import Array
from worker.engines.engine import Stopped
from worker.engines.jax.mini_batches import MiniBatches, no_mini_batches
from worker.engines.jax.pace import Pace
from worker.engines.jax.programs import Steps
from worker.engines.jax.tables import Table

# One array [K] a measurement.
Measured = tuple[Array, ...]


class Chunks:
    """Mini-batches of one table, run a chunk at a time."""

    def __init__(self, table: Table, pace: Pace, stop_requested: Callable[[], bool]) -> None:
        self._table = table
        self._pace = pace
        self._stop_requested = stop_requested

    def run(
        self,
        batches: MiniBatches,
        numbers: NDArray[np.float64],
        program: Callable[[Steps], Measured],
    ) -> Iterator[tuple[NDArray[Any], ...]]:
        """Run the mini-batches; gives what each chunk measured, one value a step, as it ends.

        Raises:
            Stopped: A stop was requested.
        """
        done = 0
        while done < len(batches):
            if self._stop_requested():
                raise Stopped
            began = time.perf_counter()
            count = self._pace.steps(min(self._table.most, len(batches) - done))
            part = slice(done, done + count)
            measured = program(self._table.steps(batches.part(part), numbers[part]))
            yield tuple(array[:count] for array in jax.device_get(measured))
            self._pace.took(count, time.perf_counter() - began)
            done += count

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return self._table.examples

    def nothing(self, size: int, numbers: int) -> Steps:
        """No steps at all, in arrays of the shapes that every call has: what a program is compiled for."""
        return self._table.steps(no_mini_batches(size), np.zeros((0, numbers)))
