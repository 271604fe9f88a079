"""How an order of examples falls into mini-batches, and what each of their rows counts."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class MiniBatches:
    """Mini-batches of one width. In each of them every row counts `repeats` times, and the first `again` once more.

    Attributes:
        rows: [steps, width] row numbers of examples, int32.
        own: [steps] how many of the first rows are the mini-batch's own, int32. Others fill it up.
        repeats: [steps] how often each row counts, float32: 0 where only the first `again` do.
        again: [steps] how many of the first rows count once more, int32.
    """

    rows: NDArray[np.int32]
    own: NDArray[np.int32]
    repeats: NDArray[np.float32]
    again: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.rows)

    def part(self, part: slice) -> "MiniBatches":
        """Some of them."""
        return MiniBatches(self.rows[part], self.own[part], self.repeats[part], self.again[part])

    @property
    def sizes(self) -> NDArray[np.float64]:
        """[steps] how many examples each of them counts."""
        sizes: NDArray[np.float64] = self.repeats.astype(np.float64) * self.rows.shape[1] + self.again
        return sizes


def no_mini_batches(width: int) -> MiniBatches:
    """None, of that width."""
    return own_size(np.zeros(0, np.int32), width)


def filled(order: NDArray[np.int32], size: int) -> MiniBatches:
    """Mini-batches as Core ML makes them: the last one is filled up with the first examples of the same order.

    Fewer examples than `size` make one mini-batch, filled round and round. Its rows hold each example once and count as
    often as they would stand there, so that a large `size` takes no more memory or time than the examples do.
    """
    count = len(order)
    if count < size:
        whole, rest = divmod(size, count)
        return MiniBatches(
            order[None], np.full(1, count, np.int32), np.full(1, whole, np.float32), np.full(1, rest, np.int32)
        )
    steps = -(-count // size)
    return MiniBatches(
        # It repeats the order until the last row is full.
        np.resize(order, (steps, size)),
        _own(count, size),
        np.ones(steps, np.float32),
        np.zeros(steps, np.int32),
    )


def own_size(order: NDArray[np.int32], size: int) -> MiniBatches:
    """Mini-batches of which the last one counts its own examples only: the switch `last_batch: own_size`.

    What fills it up is its own last example, which does not count. A row of zeros there, which is no example of the
    data, leaked NaN through the gradient of `where`.
    """
    own = _own(len(order), size)
    rows = np.zeros((len(own), size), np.int32)
    rows.reshape(-1)[: len(order)] = order
    rows.reshape(-1)[len(order) :] = order[-1:]
    return MiniBatches(rows, own, np.zeros(len(own), np.float32), own)


def _own(count: int, size: int) -> NDArray[np.int32]:
    """[steps] the examples of each mini-batch, of `count` in all."""
    return np.minimum(size, count - np.arange(0, count, size)).astype(np.int32)
