import numpy as np
import pytest

from tests.worker.engines import lab
from worker.engines.columns import Column
from worker.engines.jax.schedule import own_size
from worker.engines.jax.tables import Source, rounded_up, table_for

COLUMNS = (Column("image", (1, 2, 2), None), Column("label", (1,), 9))


@pytest.fixture
def source() -> Source:
    images = np.arange(6 * 4, dtype=np.uint8).reshape(6, 1, 2, 2)
    return Source(lab.examples({"image": 0.5}, image=images, label=np.arange(6)), COLUMNS)


@pytest.mark.parametrize("limit", [0, 10**6], ids=["window", "whole"])
def test_rows_select_the_requested_examples(limit: int, source: Source) -> None:
    rows = np.array([[5, 0, 3], [2, 2, 1]], np.int32)
    steps = table_for(source, 3, limit).steps(own_size(rows.reshape(-1), 3), np.zeros((2, 1)))
    images, labels = (np.asarray(matrix) for matrix in steps.table)
    assert steps.count == 2
    assert labels[steps.rows[:2]][..., 0].tolist() == rows.tolist()
    assert images[steps.rows[1, 2]].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize("limit", [0, 10**6], ids=["window", "whole"])
def test_every_call_has_arrays_of_the_same_shapes(limit: int, source: Source) -> None:
    table = table_for(source, 2, limit)
    shapes = [
        [
            array.shape
            for array in (*steps.table, steps.rows, steps.valid_counts, steps.repeats, steps.again, steps.scalars)
        ]
        for steps in (table.steps(own_size(np.zeros(2 * n, np.int32), 2), np.zeros((n, 3))) for n in (0, 1, 5))
    ]
    assert shapes[0] == shapes[1] == shapes[2]


def test_bytes_are_kept_and_64_bit_types_are_narrowed() -> None:
    examples = lab.examples(image=np.ones((2, 1, 2, 2), np.uint8), label=np.ones(2, np.int64))
    assert [array.dtype.name for array in Source(examples, COLUMNS).empty(1)] == ["uint8", "int32"]
    examples = lab.examples(image=np.ones((2, 4)), label=np.ones((2, 1), np.uint8))
    assert [array.dtype.name for array in Source(examples, COLUMNS).empty(1)] == ["float32", "uint8"]


def test_a_window_of_large_examples_holds_at_least_one_step() -> None:
    wide = (Column("image", (10_000_000,), None),)
    examples = lab.examples(image=np.zeros((2, 10_000_000), np.uint8))
    assert table_for(Source(examples, wide), 64, 0).max_steps == 1


@pytest.mark.parametrize(("count", "room"), [(1, 64), (64, 64), (65, 96), (97, 128), (1000, 1024), (60_000, 65_536)])
def test_table_size_grows_by_a_third_to_a_half(count: int, room: int) -> None:
    assert rounded_up(count) == room
