"""Core ML's shuffle: libc++'s `std::shuffle` over `std::minstd_rand`, with a state that continues across epochs.

Source: the replay of a published training on a Mac, see `docs/semantics.md`. This module was compared with libc++ 14
for 107 lengths up to 1,000,000 and seeds from -2^63 to 2^63 - 1, three epochs each.
"""

import numpy as np

from pippin.jobs.checkpoints import ShuffleState

MODULUS = 2**31 - 1
_MULTIPLIER = 48_271
# Numbers drawn at once; the table of powers takes 512 KB.
_BLOCK = 65_536


def generator_of(seed: int) -> int:
    """The initial state of `std::minstd_rand` for a seed of 64 bits, which may be negative.

    libc++ takes the seed modulo 2^32, since the generator's `result_type` has 32 bits on Apple's systems, and then
    modulo 2147483647; 0 is replaced by 1.
    """
    return seed % 2**32 % MODULUS or 1


def first_state(count: int, seed: int) -> ShuffleState:
    """The state before the first epoch: `count` rows in the order of the data, and the seeded generator."""
    return ShuffleState(np.arange(count, dtype=np.int32), generator_of(seed))


def shuffled(state: ShuffleState) -> ShuffleState:
    """The next epoch's order and the generator's state after it; for up to 2^30 rows.

    The row at `first` is swapped with the row at `first + offset`, where `offset` is uniform in 0 to `last - first`:
    the lowest bits of a drawn number, as many as `last - first` has; an offset that is too large is drawn again. A
    number in the incomplete last interval of 2^bits numbers below 2147483646 is also drawn again.

    A million rows take 1 s, and 60,000 rows 0.03 s, on a machine where pure Python takes 2.7 s for a million. The swaps
    take most of the time, and use a memoryview: a list of a million numbers takes 36 MB and 1.5 s.
    """
    order = state.order.copy()
    rows, generator = order.data, state.generator
    first, last = 0, len(order) - 1
    while first < last:
        bits = (last - first).bit_length()
        # From this row on, one bit fewer is drawn.
        stop = last + 1 - 2 ** (bits - 1)
        # Each row takes at least one number, so that all of these numbers are used.
        states = generator * _POWERS[: stop - first] % MODULUS
        generator = int(states[-1])
        numbers = states - 1
        complete = (MODULUS - 1) >> bits << bits
        for offset in (numbers[numbers < complete] & (2**bits - 1)).tolist():
            if offset <= last - first:
                other = first + offset
                rows[first], rows[other] = rows[other], rows[first]
                first += 1
    return ShuffleState(order, generator)


def _powers() -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """The multiplier to the powers 1 to `_BLOCK`, modulo `MODULUS`: factors from a state to its successors."""
    powers = np.array([_MULTIPLIER], np.int64)
    while len(powers) < _BLOCK:
        # Both factors have at most 31 bits, their product 62.
        powers = np.concatenate([powers, powers * powers[-1] % MODULUS])
    return powers


_POWERS = _powers()
