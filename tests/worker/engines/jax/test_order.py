import hashlib

import numpy as np
import pytest

from worker.engines.jax.schedule import CoreMLOrders, DataOrders, PippinOrders
from worker.engines.jax.shuffle import first_state


def test_core_mls_order_goes_on_from_the_epoch_before() -> None:
    orders = CoreMLOrders(first_state(8, 0), range(1, 3))
    assert orders.of(1).tolist() == [6, 2, 7, 1, 4, 3, 0, 5]
    orders.finish()
    assert orders.of(2).tolist() == [6, 1, 4, 3, 7, 2, 0, 5]


def test_what_a_checkpoint_holds_of_core_mls_order_is_that_of_the_last_finished_epoch() -> None:
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


def test_a_training_without_epochs_left_draws_no_order() -> None:
    start = first_state(5, 1)
    assert CoreMLOrders(start, range(3, 3)).shuffle is start


def test_pippins_order_of_a_seed_and_epoch_never_changes() -> None:
    assert PippinOrders(8, 7).of(1).tolist() == [7, 6, 1, 4, 3, 2, 5, 0]
    order = PippinOrders(60_000, 2**63 - 1).of(3)
    assert hashlib.sha256(order.astype("<i4").tobytes()).hexdigest()[:16] == "bb61044bb62f8c26"


@pytest.mark.parametrize("seed", [1, -1, -(2**63)])
def test_pippins_order_visits_every_example_once_an_epoch(seed: int) -> None:
    assert sorted(PippinOrders(1000, seed).of(2)) == list(range(1000))


@pytest.mark.parametrize(("seed", "epoch"), [(2, 1), (1, 2), (-1, 1)])
def test_another_seed_or_epoch_gives_another_of_pippins_orders(seed: int, epoch: int) -> None:
    assert not np.array_equal(PippinOrders(100, 1).of(1), PippinOrders(100, seed).of(epoch))


def test_without_shuffle_the_data_decides() -> None:
    orders = DataOrders(5)
    assert orders.of(1).tolist() == orders.of(2).tolist() == [0, 1, 2, 3, 4]
    assert orders.shuffle is None
