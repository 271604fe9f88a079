"""The order of the examples in each epoch, and its division into mini-batches."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pippin.api.requests import Hyperparameters
from pippin.jobs.checkpoints import Checkpoint, ShuffleState
from worker.engines.jax.shuffle import first_state, shuffled
from worker.engines.jax.switches import LastBatch, Switches


@dataclass(frozen=True)
class MiniBatches:
    """Mini-batches of one width. In each, every row counts `repeats` times, and the first `again` rows once more.

    Attributes:
        rows: [steps, width] row numbers of examples, int32.
        valid_counts: [steps] number of leading rows that are the mini-batch's own, int32. The other rows are filling.
        repeats: [steps] how often each row counts, float32: 0 where only the first `again` rows count.
        again: [steps] number of leading rows that count once more, int32.
    """

    rows: NDArray[np.int32]
    valid_counts: NDArray[np.int32]
    repeats: NDArray[np.float32]
    again: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, part: slice) -> "MiniBatches":
        """A slice of the mini-batches."""
        return MiniBatches(self.rows[part], self.valid_counts[part], self.repeats[part], self.again[part])

    @property
    def sizes(self) -> NDArray[np.float64]:
        """[steps] number of counted examples per mini-batch."""
        sizes: NDArray[np.float64] = self.repeats.astype(np.float64) * self.rows.shape[1] + self.again
        return sizes


def no_mini_batches(width: int) -> MiniBatches:
    """Zero mini-batches of that width."""
    return own_size(np.zeros(0, np.int32), width)


def filled(order: NDArray[np.int32], size: int) -> MiniBatches:
    """Mini-batches as Core ML makes them: the last mini-batch is filled up with the first examples of the same order.

    Fewer examples than `size` make one mini-batch that repeats the order cyclically. Its rows hold each example once,
    with a count of its repetitions, so that a large `size` takes no more memory or time than the examples.
    """
    count = len(order)
    if count < size:
        whole, rest = divmod(size, count)
        return MiniBatches(
            order[None], np.full(1, count, np.int32), np.full(1, whole, np.float32), np.full(1, rest, np.int32)
        )
    steps = -(-count // size)
    return MiniBatches(
        # `np.resize` repeats the order until the last row is full.
        np.resize(order, (steps, size)),
        _own(count, size),
        np.ones(steps, np.float32),
        np.zeros(steps, np.int32),
    )


def own_size(order: NDArray[np.int32], size: int) -> MiniBatches:
    """Mini-batches of which the last counts its own examples only: the switch `last_batch: own_size`.

    The filling is the mini-batch's last example, which is not counted again. A filling of zeros, which are no example
    of the data, leaked NaN through the gradient of `where`.
    """
    own = _own(len(order), size)
    rows = np.zeros((len(own), size), np.int32)
    rows.reshape(-1)[: len(order)] = order
    rows.reshape(-1)[len(order) :] = order[-1:]
    return MiniBatches(rows, own, np.zeros(len(own), np.float32), own)


def _own(count: int, size: int) -> NDArray[np.int32]:
    """[steps] number of own examples per mini-batch, of `count` examples in total."""
    return np.minimum(size, count - np.arange(0, count, size)).astype(np.int32)


Order = NDArray[np.int32]


class Orders(ABC):
    """The orders of a training's epochs, to be requested one after another.

    Attributes:
        shuffle: State of the shuffle after the last finished epoch, for checkpoints; None if an order depends on the
            epoch's number only.
    """

    shuffle: ShuffleState | None = None

    @abstractmethod
    def of(self, epoch: int) -> Order:
        """[count] row numbers: the order of the epoch after the finished epochs."""

    def finish(self) -> None:  # noqa: B027 - orders without state have nothing to do
        """Mark the epoch of the last requested order as finished."""


class DataOrders(Orders):
    """The order of the data in every epoch."""

    def __init__(self, count: int) -> None:
        self._count = count

    def of(self, epoch: int) -> Order:  # noqa: ARG002 - all epochs have the same order
        """See `Orders`."""
        return np.arange(self._count, dtype=np.int32)


class CoreMLOrders(Orders):
    """Core ML's orders: each epoch shuffles the previous order. The next order is computed during the current epoch."""

    def __init__(self, start: ShuffleState, epochs: range) -> None:
        """Start to compute the first order.

        Args:
            start: State of the shuffle.
            epochs: The remaining epochs.
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
        # NumPy accepts no negative seeds; other seeds do not change.
        self._seed = seed % 2**64

    def of(self, epoch: int) -> Order:
        """See `Orders`.

        Each row draws 64 bits from Philox under SeedSequence([seed, epoch]), and the rows are sorted by these numbers.
        NumPy guarantees that these two streams never change, but not that of `Generator.permutation`.
        """
        bits = np.random.Philox(np.random.SeedSequence([self._seed, epoch]))
        return np.argsort(bits.random_raw(self._count)).astype(np.int32)


_CUTS: dict[LastBatch, Callable[[NDArray[np.int32], int], MiniBatches]] = {"filled": filled, "own_size": own_size}


@dataclass(frozen=True)
class Schedule:
    """The mini-batches of a training.

    Attributes:
        orders: The order of the examples in each remaining epoch.
        size: The requested mini-batch size.
        width: Number of rows of a mini-batch: at most the number of examples.
        last_batch: How to treat a mini-batch that the order does not fill.
    """

    orders: Orders
    size: int
    width: int
    last_batch: LastBatch

    def of(self, epoch: int) -> MiniBatches:
        """The mini-batches of the epoch after the finished epochs."""
        size = self.size if self.last_batch == "filled" else self.width
        return _CUTS[self.last_batch](self.orders.of(epoch), size)

    def finish(self) -> None:
        """Mark that epoch as finished."""
        self.orders.finish()

    @property
    def shuffle(self) -> ShuffleState | None:
        """State of the shuffle after the last finished epoch; None if the orders have no state."""
        return self.orders.shuffle


def first_shuffle(hyperparameters: Hyperparameters, switches: Switches, count: int) -> ShuffleState | None:
    """State of the shuffle of `count` examples before the first epoch; None if the orders have no state."""
    if hyperparameters.shuffle and switches.order == "coreml":
        return first_state(count, hyperparameters.seed)
    return None


def schedule_for(
    hyperparameters: Hyperparameters, switches: Switches, start: Checkpoint, count: int, width: int
) -> Schedule:
    """The schedule of a training of `count` examples that starts at the checkpoint `start`."""
    assert hyperparameters.mini_batch_size is not None
    orders: Orders
    if start.shuffle is not None:
        orders = CoreMLOrders(start.shuffle, range(start.epoch + 1, hyperparameters.epochs + 1))
    elif hyperparameters.shuffle:
        orders = PippinOrders(count, hyperparameters.seed)
    else:
        orders = DataOrders(count)
    return Schedule(orders, hyperparameters.mini_batch_size, width, switches.last_batch)
