"""Runs mini-batches in chunks of about half a second, so that a training can be stopped between two of them."""

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
    """Finds the number of steps that take about half a second, from how long the last ones took.

    It decides only when the host looks, never what is computed.
    """

    def __init__(self, steps: int | None = None, seconds: float = 0.5) -> None:
        """Aim at `seconds`, or always take `steps`."""
        self._fixed = steps
        self._seconds = seconds
        # How long the first step takes is unknown: it may take a second by itself.
        self._next = steps or 1

    def steps(self, max_steps: int) -> int:
        """How many steps to run now, at most `max_steps`."""
        return min(self._next, max_steps)

    def took(self, steps: int, seconds: float) -> None:
        """Record how long `steps` steps took."""
        if self._fixed is None:
            # At most four times as many as before: the first steps also touch all memory for the first time.
            fitting = int(self._seconds * steps / max(seconds, 1e-9))
            self._next = max(1, min(fitting, 4 * steps))


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
        scalars: NDArray[np.float64],
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
            count = self._pace.steps(min(self._table.max_steps, len(batches) - done))
            part = slice(done, done + count)
            measured = program(self._table.steps(batches.part(part), scalars[part]))
            yield tuple(array[:count] for array in jax.device_get(measured))
            self._pace.took(count, time.perf_counter() - began)
            done += count

    @property
    def examples(self) -> int:
        """How many examples there are."""
        return self._table.examples

    def no_steps(self, size: int, scalars: int) -> Steps:
        """Zero steps in arrays of the shapes that every call has: a program is compiled for these."""
        return self._table.steps(no_mini_batches(size), np.zeros((0, scalars)))
