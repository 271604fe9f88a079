"""Core ML's shuffle: libc++'s `std::shuffle` over `std::minstd_rand`, going on from epoch to epoch.

That Core ML shuffles so was found by replaying a published training of a Mac: see `docs/semantics.md`. This module was
compared with libc++ 14 itself for 107 lengths up to 1,000,000 and seeds from -2^63 to 2^63 - 1, three epochs each.
"""

import numpy as np

from pippin.jobs.checkpoints import ShuffleState

MODULUS = 2**31 - 1
_MULTIPLIER = 48_271
# Numbers drawn at once: their powers take 512 KB.
_BLOCK = 65_536


def generator_of(seed: int) -> int:
    """The state in which `std::minstd_rand` starts from a seed of 64 bits, negative ones included.

    libc++ takes the seed modulo 2^32, since the generator's `result_type` has 32 bits on Apple's systems, and then
    modulo 2147483647; 0 counts as 1.
    """
    return seed % 2**32 % MODULUS or 1


def first_state(count: int, seed: int) -> ShuffleState:
    """The state before the first epoch: `count` rows in the order of the data, the generator as the seed sets it."""
    return ShuffleState(np.arange(count, dtype=np.int32), generator_of(seed))


def shuffled(state: ShuffleState) -> ShuffleState:
    """The next epoch's order, and the generator after it; for up to 2^30 rows.

    The row at `first` is swapped with the one `offset` places on, where `offset` is uniform in 0 to `last - first`:
    the lowest bits of a number drawn, as many as `last - first` has, drawn again if they are too large.
    A number that lies in the incomplete last stretch of 2^bits below 2147483646 is drawn again, too.

    A million rows take 1 s, and 60,000 take 0.03 s, on the machine where pure Python takes 2.7 s for the million. The
    swaps are most of that, and go through a memoryview: a list of a million numbers takes 36 MB and 1.5 s.
    """
    order = state.order.copy()
    rows, generator = order.data, state.generator
    first, last = 0, len(order) - 1
    while first < last:
        bits = (last - first).bit_length()
        # From this row on, a bit less is drawn.
        stop = last + 1 - 2 ** (bits - 1)
        # Each row takes one number or more, so that none of these is left over.
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
    """The multiplier to the powers 1 to `_BLOCK`, modulo `MODULUS`: they lead from a state to those that follow it."""
    powers = np.array([_MULTIPLIER], np.int64)
    while len(powers) < _BLOCK:
        # Both factors have at most 31 bits, their product 62.
        powers = np.concatenate([powers, powers * powers[-1] % MODULUS])
    return powers


_POWERS = _powers()
