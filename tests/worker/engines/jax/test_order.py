import hashlib

import numpy as np
import pytest

from worker.engines.jax.order import epoch_order, mini_batches


def test_the_order_of_a_seed_and_epoch_never_changes() -> None:
    # What a checkpoint promises: whoever resumes the epoch, on whatever machine, visits the examples in this order.
    assert epoch_order(8, seed=7, epoch=1, shuffle=True).tolist() == [7, 6, 1, 4, 3, 2, 5, 0]
    order = epoch_order(60_000, seed=2**63 - 1, epoch=3, shuffle=True)
    assert hashlib.sha256(order.astype("<i4").tobytes()).hexdigest()[:16] == "bb61044bb62f8c26"


def test_every_example_is_visited_once_an_epoch() -> None:
    assert sorted(epoch_order(1000, seed=1, epoch=2, shuffle=True)) == list(range(1000))


@pytest.mark.parametrize("other", [{"seed": 2, "epoch": 1}, {"seed": 1, "epoch": 2}])
def test_another_seed_or_epoch_gives_another_order(other: dict[str, int]) -> None:
    one = epoch_order(100, seed=1, epoch=1, shuffle=True)
    assert not np.array_equal(one, epoch_order(100, shuffle=True, **other))


def test_without_shuffle_the_file_decides() -> None:
    assert epoch_order(5, seed=1, epoch=1, shuffle=False).tolist() == [0, 1, 2, 3, 4]


def test_the_last_mini_batch_is_filled_up_with_an_example_of_its_own() -> None:
    rows, real = mini_batches(np.array([5, 3, 1, 4, 2], np.int32), 3)
    assert rows.tolist() == [[5, 3, 1], [4, 2, 2]]
    assert real.tolist() == [3, 2]


def test_full_mini_batches_need_no_filling() -> None:
    rows, real = mini_batches(np.arange(6, dtype=np.int32), 3)
    assert rows.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert real.tolist() == [3, 3]


def test_a_mini_batch_may_be_larger_than_the_data() -> None:
    rows, real = mini_batches(np.arange(2, dtype=np.int32), 4)
    assert rows.tolist() == [[0, 1, 1, 1]]
    assert real.tolist() == [2]
