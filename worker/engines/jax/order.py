"""In which order an epoch visits its examples, and how the order falls into mini-batches."""

import numpy as np
from numpy.typing import NDArray


def epoch_order(count: int, *, seed: int, epoch: int, shuffle: bool) -> NDArray[np.int32]:
    """[count] row numbers, a permutation that depends on (seed, epoch, count) alone; file order without shuffle.

    Each row draws 64 bits from Philox under SeedSequence([seed, epoch]), and the rows are sorted by them. NumPy keeps
    these two streams as they are for all time, which it does not promise of `Generator.permutation`.
    """
    if not shuffle:
        return np.arange(count, dtype=np.int32)
    bits = np.random.Philox(np.random.SeedSequence([seed, epoch]))
    return np.argsort(bits.random_raw(count)).astype(np.int32)


def mini_batches(order: NDArray[np.int32], size: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The order cut into mini-batches: rows [steps, size] and how many of each are real, [steps].

    The last mini-batch is filled up with its own last example. It is masked later; a row of zeros there, as an example
    that nobody gave, leaked NaN through the gradient of `where`.
    """
    steps = -(-len(order) // size)
    rows = np.full((steps, size), order[-1], np.int32)
    rows.reshape(-1)[: len(order)] = order
    counts = np.full(steps, size, np.int32)
    counts[-1] = len(order) - (steps - 1) * size
    return rows, counts
