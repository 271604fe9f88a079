"""Runs mini-batches in chunks of about half a second, so that a training can be stopped between two chunks."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np
from numpy.typing import NDArray

from pippin.network import Array
from worker.engines.engine import Stopped
from worker.engines.jax.programs import Steps
from worker.engines.jax.schedule import MiniBatches, no_mini_batches
from worker.engines.jax.tables import Table


class Pace:
    """Chooses the number of steps that take about half a second, from the duration of the previous steps.

    The pace affects only when the host checks for a stop, never the results.
    """

    def __init__(self, steps: int | None = None, seconds: float = 0.5) -> None:
        """Aim at chunks of `seconds`, or fix the number of steps to `steps`."""
        self._fixed = steps
        self._seconds = seconds
        # The duration of the first step is unknown: one step may take a second.
        self._next = steps or 1

    def steps(self, max_steps: int) -> int:
        """Number of steps of the next chunk, at most `max_steps`."""
        return min(self._next, max_steps)

    def took(self, steps: int, seconds: float) -> None:
        """Record the duration of `steps` steps."""
        if self._fixed is None:
            # At most four times the previous number: the first steps are slow, because they touch all memory first.
            fitting = int(self._seconds * steps / max(seconds, 1e-9))
            self._next = max(1, min(fitting, 4 * steps))


# One array [K] per measurement.
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
        scalars: NDArray[np.float64],
        program: Callable[[Steps], Measured],
    ) -> Iterator[tuple[NDArray[Any], ...]]:
        """Run the mini-batches; yields the measurements of each chunk, one value per step, when the chunk ends.

        Raises:
            Stopped: A stop was requested.
        """
        done = 0
        while done < len(batches):
            if self._stop_requested():
                raise Stopped
            began = time.perf_counter()
            count = self._pace.steps(min(self._table.max_steps, len(batches) - done))
            part = slice(done, done + count)
            measured = program(self._table.steps(batches.part(part), scalars[part]))
            yield tuple(array[:count] for array in jax.device_get(measured))
            self._pace.took(count, time.perf_counter() - began)
            done += count

    @property
    def examples(self) -> int:
        """The number of examples."""
        return self._table.examples

    def no_steps(self, size: int, scalars: int) -> Steps:
        """Zero steps in arrays of the shapes of every call: programs are compiled for these shapes."""
        return self._table.steps(no_mini_batches(size), np.zeros((0, scalars)))
