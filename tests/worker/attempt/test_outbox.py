import threading
from collections.abc import Callable
from functools import partial
from typing import NoReturn

import pytest

from pippin.store import LeaseLost, StoreUnavailable
from tests.support.waiting import wait_for
from worker.attempt.outbox import Detail, Outbox
from worker.stop import Cause, StopFlag


@pytest.fixture
def stop() -> StopFlag:
    return StopFlag()


def _raising(error: Exception) -> Callable[[], NoReturn]:
    def write() -> NoReturn:
        raise error

    return write


def test_writes_are_carried_out_in_order(stop: StopFlag) -> None:
    written: list[int] = []
    with Outbox(stop) as outbox:
        for number in range(100):
            outbox.put(partial(written.append, number))
        assert outbox.flush(10)
    assert written == list(range(100))


def test_failed_write_is_repeated_before_the_next_write(stop: StopFlag) -> None:
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


def test_training_does_not_wait_for_a_hanging_store(stop: StopFlag) -> None:
    let_go = threading.Event()
    with Outbox(stop) as outbox:
        for _ in range(100):
            outbox.put(let_go.wait)
        assert not outbox.flush(0.01)
        let_go.set()
        assert outbox.flush(10)


def test_lost_lease_stops_the_training_and_drops_pending_writes(stop: StopFlag) -> None:
    written: list[str] = []
    with Outbox(stop) as outbox:
        outbox.put(_raising(LeaseLost("another attempt holds it")))
        outbox.put(lambda: written.append("too late"))
        wait_for(lambda: stop.cause is Cause.LEASE_LOST)
        assert not outbox.flush(10)
    assert written == []


def test_permanent_store_error_stops_the_training_and_flush_raises_it(stop: StopFlag) -> None:
    with Outbox(stop) as outbox:
        outbox.put(_raising(ValueError("no such command")))
        wait_for(lambda: stop.cause is Cause.UNRECORDED)
        with pytest.raises(ValueError, match="no such command"):
            outbox.flush(10)


class Away:
    """A store that takes no writes until it is back."""

    def __init__(self) -> None:
        self.back = threading.Event()
        self.written: list[tuple[int, bool]] = []

    def write(self, number: int, details: dict[int, str]) -> None:
        if not self.back.is_set():
            raise StoreUnavailable("Redis has reached its maxmemory and refuses writes")
        self.written.append((number, number in details))


def test_oldest_details_are_dropped_first_and_every_write_is_kept(stop: StopFlag) -> None:
    away, details = Away(), {}
    with Outbox(stop, max_bytes=2**20) as outbox:
        for number in range(100):
            details[number] = "losses"
            outbox.put(partial(away.write, number, details), Detail(50_000, partial(details.pop, number)))
        assert 80 < outbox.dropped < 90
        away.back.set()
        assert outbox.flush(30)
    assert [number for number, _ in away.written] == list(range(100))
    assert [has for _, has in away.written] == sorted(has for _, has in away.written)
    assert sum(has for _, has in away.written) == 100 - outbox.dropped
    assert stop.cause is None


def test_detail_larger_than_the_outbox_is_dropped_without_its_write(stop: StopFlag) -> None:
    away, details = Away(), {0: "losses"}
    away.back.set()
    with Outbox(stop, max_bytes=2**20) as outbox:
        outbox.put(partial(away.write, 0, details), Detail(2**21, partial(details.pop, 0)))
        assert outbox.flush(10)
    assert away.written == [(0, False)]


def test_training_waits_when_no_detail_is_left_to_drop(stop: StopFlag) -> None:
    away = Away()
    put: list[int] = []

    def train() -> None:
        for number in range(500):
            outbox.put(partial(away.write, number, {}))
            put.append(number)

    with Outbox(stop, max_bytes=2**20) as outbox:
        training = threading.Thread(target=train)
        training.start()
        wait_for(lambda: len(put) == 2**20 // 4096)
        training.join(0.2)
        assert training.is_alive()
        away.back.set()
        training.join(30)
        assert not training.is_alive()
        assert outbox.flush(30)
    assert [number for number, _ in away.written] == list(range(500))


def test_stop_ends_the_wait_for_a_full_outbox(stop: StopFlag) -> None:
    away = Away()
    with Outbox(stop, max_bytes=2**20) as outbox:

        def train() -> None:
            for number in range(500):
                outbox.put(partial(away.write, number, {}))

        training = threading.Thread(target=train)
        training.start()
        stop.set(Cause.CANCELLED)
        training.join(30)
        assert not training.is_alive()
