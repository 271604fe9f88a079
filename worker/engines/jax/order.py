"""In which order each epoch visits its examples."""

from abc import ABC, abstractmethod
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from pippin.jobs.checkpoints import ShuffleState
from worker.engines.jax.shuffle import shuffled

Order = NDArray[np.int32]


class Orders(ABC):
    """The orders of a training's epochs, to be asked for one after another.

    Attributes:
        shuffle: Where the shuffle stood after the last finished epoch, which a checkpoint must hold; None where an
            epoch's number is enough to know its order.
    """

    shuffle: ShuffleState | None = None

    @abstractmethod
    def of(self, epoch: int) -> Order:
        """[count] row numbers: the order of the epoch after those that are finished."""

    def finish(self) -> None:  # noqa: B027 - most orders need not know
        """Count the epoch whose order was asked for last as finished."""


class DataOrders(Orders):
    """The order of the data, in every epoch."""

    def __init__(self, count: int) -> None:
        self._count = count

    def of(self, epoch: int) -> Order:  # noqa: ARG002 - all epochs are alike
        """See `Orders`."""
        return np.arange(self._count, dtype=np.int32)


class CoreMLOrders(Orders):
    """Core ML's: each epoch shuffles the order of the one before it. The next one is made while an epoch is trained."""

    def __init__(self, start: ShuffleState, epochs: range) -> None:
        """Begin with the first order.

        Args:
            start: Where the shuffle stands.
            epochs: Those that are left.
        """
        self.shuffle = start
        self._last = epochs.stop - 1
        self._thread = ThreadPoolExecutor(1, "shuffle")
        self._next: Future[ShuffleState] | None = self._thread.submit(shuffled, start) if epochs else None
        self._current = start

    def of(self, epoch: int) -> Order:
        """See `Orders`."""
        assert self._next is not None
        self._current = self._next.result()
        self._next = self._thread.submit(shuffled, self._current) if epoch < self._last else None
        return self._current.order

    def finish(self) -> None:
        """See `Orders`."""
        self.shuffle = self._current


class PippinOrders(Orders):
    """Permutations that depend on (seed, epoch, count) alone: the switch `order: pippin`."""

    def __init__(self, count: int, seed: int) -> None:
        self._count = count
        # NumPy takes no negative seeds. Others stay what they are.
        self._seed = seed % 2**64

    def of(self, epoch: int) -> Order:
        """See `Orders`.

        Each row draws 64 bits from Philox under SeedSequence([seed, epoch]), and the rows are sorted by them. NumPy
        keeps these two streams as they are for all time, which it does not promise of `Generator.permutation`.
        """
        bits = np.random.Philox(np.random.SeedSequence([self._seed, epoch]))
        return np.argsort(bits.random_raw(self._count)).astype(np.int32)
