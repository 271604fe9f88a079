"""Core ML's shuffle compared with libc++'s output and with an independent plain implementation."""

import numpy as np
import pytest
from numpy.typing import NDArray

from pippin.jobs.checkpoints import ShuffleState
from worker.engines.jax.shuffle import MODULUS, first_state, generator_of, shuffled

# What libcxx_shuffle.cpp printed with libc++ 14.0.6: rows and seed, then the order of each epoch.
PRINTED = {
    (2, 1): [[0, 1], [1, 0], [0, 1]],
    (3, 0): [[2, 0, 1], [0, 2, 1], [0, 2, 1]],
    (5, 7): [[0, 2, 3, 1, 4], [4, 3, 1, 2, 0]],
    (8, 0): [[6, 2, 7, 1, 4, 3, 0, 5], [6, 1, 4, 3, 7, 2, 0, 5]],
    (8, -3): [[7, 5, 2, 4, 1, 6, 0, 3], [4, 1, 6, 5, 2, 0, 7, 3]],
    (9, -1): [[1, 6, 0, 3, 2, 5, 4, 7, 8], [0, 7, 2, 6, 1, 3, 4, 8, 5]],
    (16, 2**63 - 1): [
        [14, 2, 7, 15, 4, 1, 6, 3, 10, 5, 12, 13, 8, 11, 0, 9],
        [10, 7, 1, 15, 3, 13, 0, 12, 5, 8, 14, 11, 4, 9, 2, 6],
    ],
    (17, -(2**63)): [
        [14, 2, 7, 15, 4, 1, 6, 3, 10, 5, 12, 13, 16, 11, 8, 9, 0],
        [8, 9, 1, 15, 3, 13, 14, 12, 7, 10, 16, 2, 5, 4, 11, 0, 6],
    ],
}
# The hash of each epoch's order, and the number that the generator gives then.
HASHED = {
    (405, 0): (["a7f27dcc0507977f", "7aabe44cb59b89f1", "b76d6f55774ca94d"], 517_261_068),
    (2_000, 2_147_483_647): (["81a54258cc1b0875", "33a296c0c1ff7bcd", "1e825a8312aebed7"], 1_898_100_595),
    (100_000, 42): (["6a2f05463f126365", "b76e00e384a91995"], 1_447_951_347),
}


def _hash(order: NDArray[np.int32]) -> str:
    found = 1_469_598_103_934_665_603
    for row in order.tolist():
        found = (found ^ row) * 1_099_511_628_211 % 2**64
    return f"{found:016x}"


def _plain(order: list[int], generator: int) -> tuple[list[int], int]:
    """One shuffle, a number at a time, as in libc++'s headers."""
    order = list(order)
    for first in range(len(order) - 1):
        span = len(order) - first
        bits = 0
        while 2**bits < span:
            bits += 1
        while True:
            generator = generator * 48_271 % 2_147_483_647
            number = generator - 1
            if number < 2_147_483_646 // 2**bits * 2**bits and number % 2**bits < span:
                break
        other = first + number % 2**bits
        order[first], order[other] = order[other], order[first]
    return order, generator


@pytest.mark.parametrize(("count", "seed"), PRINTED)
def test_orders_match_the_output_of_libcxx(count: int, seed: int) -> None:
    state = first_state(count, seed)
    for expected in PRINTED[count, seed]:
        state = shuffled(state)
        assert state.order.tolist() == expected


@pytest.mark.parametrize(("count", "seed"), HASHED)
def test_long_orders_match_the_hashes_from_libcxx(count: int, seed: int) -> None:
    hashes, then = HASHED[count, seed]
    state = first_state(count, seed)
    for expected in hashes:
        state = shuffled(state)
        assert _hash(state.order) == expected
    assert state.generator * 48_271 % MODULUS == then


@pytest.mark.parametrize("seed", [1, 20_200_213])
def test_orders_of_many_lengths_match_the_plain_implementation(seed: int) -> None:
    for count in (*range(70), 127, 128, 129, 511, 512, 513, 1_023, 1_024, 1_025):
        state, order, generator = first_state(count, seed), list(range(count)), generator_of(seed)
        for _ in range(2):
            state, (order, generator) = shuffled(state), _plain(order, generator)
            assert (state.order.tolist(), state.generator) == (order, generator)


def test_order_longer_than_a_block_matches_the_plain_implementation() -> None:
    state = shuffled(first_state(200_003, 5))
    assert (state.order.tolist(), state.generator) == _plain(list(range(200_003)), 5)


def test_shuffle_does_not_modify_its_input() -> None:
    before = first_state(10, 1)
    before.order.flags.writeable = False
    assert sorted(shuffled(before).order.tolist()) == before.order.tolist() == list(range(10))


@pytest.mark.parametrize(
    ("seed", "state"),
    [
        (0, 1),
        (1, 1),
        (-1, 2**32 - 1 - MODULUS * 2),
        (MODULUS, 1),
        (MODULUS + 1, 1),
        (2**32, 1),
        (2**32 + 5, 5),
        (-(2**63), 1),
        (2**63 - 1, 1),
        (-5, (2**32 - 5) % MODULUS),
    ],
)
def test_seed_of_64_bits_is_converted_as_in_libcxx(seed: int, state: int) -> None:
    assert generator_of(seed) == state


def test_state_from_a_checkpoint_gives_the_same_order() -> None:
    state = shuffled(first_state(50, 3))
    back = ShuffleState(np.array(state.order.tolist(), np.int32), state.generator)
    assert shuffled(back).order.tolist() == shuffled(state).order.tolist()
