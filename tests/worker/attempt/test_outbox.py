import threading
from collections.abc import Callable
from typing import NoReturn

import pytest

from pippin.store import LeaseLost, StoreUnavailable
from worker.attempt.outbox import Outbox
from worker.stop import Cause, StopSwitch


@pytest.fixture
def stop() -> StopSwitch:
    return StopSwitch()


def test_writes_are_carried_out_in_order(stop: StopSwitch) -> None:
    written: list[int] = []
    with Outbox(stop) as outbox:
        for number in range(100):
            outbox.put(lambda number=number: written.append(number))
        assert outbox.flush(10)
    assert written == list(range(100))


def test_a_write_that_does_not_reach_the_store_is_made_again_before_the_next(stop: StopSwitch) -> None:
    written: list[str] = []
    outages = iter(range(2))

    def unlucky() -> None:
        if next(outages, None) is not None:
            raise StoreUnavailable("away")
        written.append("first")

    with Outbox(stop) as outbox:
        outbox.put(unlucky)
        outbox.put(lambda: written.append("second"))
        assert outbox.flush(10)
    assert written == ["first", "second"]
    assert stop.cause is None


def test_the_training_does_not_wait_for_a_store_that_hangs(stop: StopSwitch) -> None:
    let_go = threading.Event()
    with Outbox(stop) as outbox:
        for _ in range(100):
            outbox.put(let_go.wait)
        assert not outbox.flush(0.01)
        let_go.set()
        assert outbox.flush(10)


def test_a_lost_lease_stops_the_training_and_drops_the_rest(stop: StopSwitch, wait_for: Callable[..., None]) -> None:
    written: list[str] = []

    def lost() -> NoReturn:
        raise LeaseLost("another attempt holds it")

    with Outbox(stop) as outbox:
        outbox.put(lost)
        outbox.put(lambda: written.append("too late"))
        wait_for(lambda: stop.cause is Cause.LEASE_LOST)
        assert not outbox.flush(10)
    assert written == []


def test_what_the_store_refuses_for_ever_stops_the_training_and_is_raised_at_its_end(
    stop: StopSwitch, wait_for: Callable[..., None]
) -> None:
    def refused() -> NoReturn:
        raise ValueError("no such command")

    with Outbox(stop) as outbox:
        outbox.put(refused)
        wait_for(lambda: stop.cause is Cause.UNRECORDED)
        with pytest.raises(ValueError, match="no such command"):
            outbox.flush(10)
