"""Two threads that communicate through a relay. Only the relay's package needs Apple's frameworks."""

import importlib
import threading
from collections.abc import Callable
from typing import Any

import pytest

pytestmark = pytest.mark.usefixtures("apple")


@pytest.fixture
def module() -> Any:  # noqa: ANN401 - a module
    return importlib.import_module("worker.engines.coreml.relay")


def _elsewhere(function: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def _nothing() -> None:
    pass


def test_calls_run_in_order_on_the_waiting_thread(module: Any) -> None:  # noqa: ANN401
    relay, made = module.Relay(), []

    def speak() -> None:
        for number in range(3):
            relay.call(lambda number=number: made.append((number, threading.get_ident())))
            assert made[-1][0] == number
        relay.end("done")

    thread = _elsewhere(speak)
    assert relay.wait(_nothing) == "done"
    thread.join()
    assert made == [(number, threading.get_ident()) for number in range(3)]


def test_first_outcome_counts_and_an_error_is_raised(module: Any) -> None:  # noqa: ANN401
    relay = module.Relay()
    relay.end(LookupError("first"))
    relay.end("second")
    with pytest.raises(LookupError, match="first"):
        relay.wait(_nothing)


def test_call_after_the_waiting_thread_has_left_raises_closed(module: Any) -> None:  # noqa: ANN401
    relay, told = module.Relay(), []

    def speak() -> None:
        try:
            relay.call(_nothing)
        except module.Closed as closed:
            told.append(closed)

    def look() -> None:
        raise InterruptedError

    thread = _elsewhere(speak)
    with pytest.raises(InterruptedError):
        relay.wait(look)
    thread.join()
    assert len(told) == 1
    with pytest.raises(module.Closed):
        relay.check()
