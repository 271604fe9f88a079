"""Two threads that communicate through a relay. Only the relay's package needs Apple's frameworks."""

import importlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("apple")


@pytest.fixture
def relay() -> Any:  # noqa: ANN401 - of a class that is imported as the test runs
    return importlib.import_module("worker.engines.coreml.relay").Relay()


def _elsewhere(function: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def _nothing() -> None:
    pass


def test_calls_run_in_order_on_the_waiting_thread(relay: Any) -> None:  # noqa: ANN401
    calls: list[tuple[int, int]] = []

    def speak() -> None:
        for number in range(3):
            relay.call(lambda number=number: calls.append((number, threading.get_ident())))
            assert calls[-1][0] == number
        relay.end("done")

    thread = _elsewhere(speak)
    assert relay.wait(_nothing) == "done"
    thread.join()
    assert calls == [(number, threading.get_ident()) for number in range(3)]


def test_first_outcome_counts_and_an_error_is_raised(relay: Any) -> None:  # noqa: ANN401
    relay.end(LookupError("first"))
    relay.end("second")
    with pytest.raises(LookupError, match="first"):
        relay.wait(_nothing)


def test_call_after_the_waiting_thread_has_left_raises_closed(relay: Any) -> None:  # noqa: ANN401
    closed = importlib.import_module("worker.engines.coreml.relay").Closed
    raised: list[Exception] = []

    def speak() -> None:
        try:
            relay.call(_nothing)
        except closed as error:
            raised.append(error)

    def look() -> None:
        raise InterruptedError

    thread = _elsewhere(speak)
    with pytest.raises(InterruptedError):
        relay.wait(look)
    thread.join()
    assert len(raised) == 1
    with pytest.raises(closed):
        relay.check()
