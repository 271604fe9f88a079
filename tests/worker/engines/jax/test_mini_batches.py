from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from worker.engines.jax.mini_batches import MiniBatches, filled, no_mini_batches, own_size


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
    assert batches.own.tolist() == [3, 2]
    assert batches.sizes.tolist() == [3, 3]
    assert _counted(batches)[1] == {4: 1, 2: 1, 5: 1}


def test_data_smaller_than_a_mini_batch_fill_it_round_and_round() -> None:
    batches = filled(_order(2, 0, 1), 8)
    assert batches.rows.shape == (1, 3)
    assert batches.own.tolist() == [3]
    assert batches.sizes.tolist() == [8]
    assert _counted(batches) == [{2: 3, 0: 3, 1: 2}]


def test_a_mini_batch_of_any_size_takes_no_more_room_than_the_examples() -> None:
    batches = filled(_order(2, 0, 1), 2**63 - 1)
    assert batches.rows.size == 3
    assert batches.sizes[0] == pytest.approx(2**63)


def test_the_last_mini_batch_of_its_own_size_counts_its_own_examples_only() -> None:
    batches = own_size(_order(5, 3, 1, 4, 2), 3)
    # What fills it up is one of the data.
    assert batches.rows.tolist() == [[5, 3, 1], [4, 2, 2]]
    assert batches.own.tolist() == [3, 2]
    assert batches.sizes.tolist() == [3, 2]
    assert _counted(batches) == [{5: 1, 3: 1, 1: 1}, {4: 1, 2: 1}]


@pytest.mark.parametrize("cut", [filled, own_size])
def test_full_mini_batches_need_no_filling(cut: Callable[..., Any]) -> None:
    for size in (3, 6, 1):
        batches = cut(np.arange(6, dtype=np.int32), size)
        assert batches.rows.tolist() == np.arange(6).reshape(-1, size).tolist()
        assert batches.own.tolist() == batches.sizes.tolist() == [size] * (6 // size)


def test_a_part_is_a_part_of_everything() -> None:
    part = filled(_order(5, 3, 1, 4, 2), 3).part(slice(1, None))
    assert (part.rows.tolist(), part.own.tolist(), part.sizes.tolist()) == ([[4, 2, 5]], [2], [3])
    assert no_mini_batches(3).rows.shape == (0, 3)
