import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from worker.engines.jax.schedule import (
    CoreMLOrders,
    DataOrders,
    MiniBatches,
    PippinOrders,
    filled,
    no_mini_batches,
    own_size,
)
from worker.engines.jax.shuffle import first_state


def _order(*rows: int) -> np.ndarray:
    return np.array(rows, np.int32)


def _counted(batches: MiniBatches) -> list[dict[int, int]]:
    """How often each row counts, mini-batch by mini-batch."""
    found = []
    for rows, repeats, again in zip(batches.rows, batches.repeats, batches.again, strict=True):
        times: dict[int, int] = {}
        for place, row in enumerate(rows.tolist()):
            times[row] = times.get(row, 0) + int(repeats) + (place < again)
        found.append({row: count for row, count in times.items() if count})
    return found


def test_the_last_mini_batch_is_filled_with_the_first_examples_of_the_order() -> None:
    batches = filled(_order(5, 3, 1, 4, 2), 3)
    assert batches.rows.tolist() == [[5, 3, 1], [4, 2, 5]]
    assert batches.valid_counts.tolist() == [3, 2]
    assert batches.sizes.tolist() == [3, 3]
    assert _counted(batches)[1] == {4: 1, 2: 1, 5: 1}


def test_small_data_is_repeated_to_fill_the_mini_batch() -> None:
    batches = filled(_order(2, 0, 1), 8)
    assert batches.rows.shape == (1, 3)
    assert batches.valid_counts.tolist() == [3]
    assert batches.sizes.tolist() == [8]
    assert _counted(batches) == [{2: 3, 0: 3, 1: 2}]


def test_large_mini_batch_needs_one_row_per_example() -> None:
    batches = filled(_order(2, 0, 1), 2**63 - 1)
    assert batches.rows.size == 3
    assert batches.sizes[0] == pytest.approx(2**63)


def test_last_mini_batch_of_own_size_counts_its_own_examples_only() -> None:
    batches = own_size(_order(5, 3, 1, 4, 2), 3)
    # The padding row is one of the data.
    assert batches.rows.tolist() == [[5, 3, 1], [4, 2, 2]]
    assert batches.valid_counts.tolist() == [3, 2]
    assert batches.sizes.tolist() == [3, 2]
    assert _counted(batches) == [{5: 1, 3: 1, 1: 1}, {4: 1, 2: 1}]


@pytest.mark.parametrize("cut", [filled, own_size])
def test_full_mini_batches_need_no_filling(cut: Callable[..., Any]) -> None:
    for size in (3, 6, 1):
        batches = cut(np.arange(6, dtype=np.int32), size)
        assert batches.rows.tolist() == np.arange(6).reshape(-1, size).tolist()
        assert batches.valid_counts.tolist() == batches.sizes.tolist() == [size] * (6 // size)


def test_part_slices_rows_counts_and_sizes() -> None:
    part = filled(_order(5, 3, 1, 4, 2), 3).part(slice(1, None))
    assert (part.rows.tolist(), part.valid_counts.tolist(), part.sizes.tolist()) == ([[4, 2, 5]], [2], [3])
    assert no_mini_batches(3).rows.shape == (0, 3)


def test_core_mls_order_continues_from_the_previous_epoch() -> None:
    orders = CoreMLOrders(first_state(8, 0), range(1, 3))
    assert orders.of(1).tolist() == [6, 2, 7, 1, 4, 3, 0, 5]
    orders.finish()
    assert orders.of(2).tolist() == [6, 1, 4, 3, 7, 2, 0, 5]


def test_checkpoint_holds_core_mls_order_of_the_last_finished_epoch() -> None:
    whole = CoreMLOrders(first_state(9, 4), range(1, 4))
    whole.of(1)
    assert whole.shuffle is not None
    assert whole.shuffle.order.tolist() == list(range(9))
    whole.finish()
    # In the middle of the second epoch.
    expected = whole.of(2).tolist()
    resumed = CoreMLOrders(whole.shuffle, range(2, 4))
    assert resumed.of(2).tolist() == expected
    whole.finish()
    resumed.finish()
    assert resumed.of(3).tolist() == whole.of(3).tolist()


def test_no_remaining_epochs_draw_no_order() -> None:
    start = first_state(5, 1)
    assert CoreMLOrders(start, range(3, 3)).shuffle is start


def test_pippins_order_depends_on_seed_and_epoch_only() -> None:
    assert PippinOrders(8, 7).of(1).tolist() == [7, 6, 1, 4, 3, 2, 5, 0]
    order = PippinOrders(60_000, 2**63 - 1).of(3)
    assert hashlib.sha256(order.astype("<i4").tobytes()).hexdigest()[:16] == "bb61044bb62f8c26"


@pytest.mark.parametrize("seed", [1, -1, -(2**63)])
def test_pippins_order_visits_every_example_once_an_epoch(seed: int) -> None:
    assert sorted(PippinOrders(1000, seed).of(2)) == list(range(1000))


@pytest.mark.parametrize(("seed", "epoch"), [(2, 1), (1, 2), (-1, 1)])
def test_another_seed_or_epoch_gives_another_of_pippins_orders(seed: int, epoch: int) -> None:
    assert not np.array_equal(PippinOrders(100, 1).of(1), PippinOrders(100, seed).of(epoch))


def test_order_without_shuffle_is_that_of_the_data() -> None:
    orders = DataOrders(5)
    assert orders.of(1).tolist() == orders.of(2).tolist() == [0, 1, 2, 3, 4]
    assert orders.shuffle is None
