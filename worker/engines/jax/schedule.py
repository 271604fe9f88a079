"""Which mini-batches each epoch takes."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pippin.api.requests import Hyperparameters
from pippin.jobs.checkpoints import Checkpoint, ShuffleState
from worker.engines.jax.mini_batches import MiniBatches, filled, own_size
from worker.engines.jax.order import CoreMLOrders, DataOrders, Orders, PippinOrders
from worker.engines.jax.shuffle import first_state
from worker.engines.jax.switches import LastBatch, Switches

_CUTS: dict[LastBatch, Callable[[NDArray[np.int32], int], MiniBatches]] = {"filled": filled, "own_size": own_size}


@dataclass(frozen=True)
class Schedule:
    """The mini-batches of a training.

    Attributes:
        orders: The order of the examples in each epoch that is left.
        size: How many examples a mini-batch counts, as asked for.
        width: How many rows it has: no more than there are examples.
        last_batch: What becomes of a mini-batch that the order does not fill.
    """

    orders: Orders
    size: int
    width: int
    last_batch: LastBatch

    def of(self, epoch: int) -> MiniBatches:
        """Those of the epoch after the ones that are finished."""
        size = self.size if self.last_batch == "filled" else self.width
        return _CUTS[self.last_batch](self.orders.of(epoch), size)

    def finish(self) -> None:
        """Count that epoch as finished."""
        self.orders.finish()

    @property
    def shuffle(self) -> ShuffleState | None:
        """Where the shuffle stood after the last finished epoch; None without one that goes on."""
        return self.orders.shuffle


def first_shuffle(hyperparameters: Hyperparameters, switches: Switches, count: int) -> ShuffleState | None:
    """Where the shuffle of `count` examples stands before the first epoch; None without one that goes on."""
    if hyperparameters.shuffle and switches.order == "coreml":
        return first_state(count, hyperparameters.seed)
    return None


def schedule_for(
    hyperparameters: Hyperparameters, switches: Switches, start: Checkpoint, count: int, width: int
) -> Schedule:
    """The schedule of a training of `count` examples that goes on from `start`."""
    assert hyperparameters.mini_batch_size is not None
    orders: Orders
    if start.shuffle is not None:
        orders = CoreMLOrders(start.shuffle, range(start.epoch + 1, hyperparameters.epochs + 1))
    elif hyperparameters.shuffle:
        orders = PippinOrders(count, hyperparameters.seed)
    else:
        orders = DataOrders(count)
    return Schedule(orders, hyperparameters.mini_batch_size, width, switches.last_batch)
