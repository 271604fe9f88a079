"""Relays calls from Apple's thread, which runs the handlers, to the training's own thread, which waits."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")

_POLL_SECONDS = 0.5


class Closed(Exception):  # noqa: N818 - not an error: the waiting thread has ended its wait
    """The training's own thread no longer waits."""


class Relay(Generic[Outcome]):
    """Runs functions on the waiting thread, one at a time, until an outcome is set.

    Core ML pauses while a handler runs, and therefore also while a handler waits in `call`.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._outcome: Outcome | BaseException | None = None

    def check(self) -> None:
        """Raise `Closed` if no thread waits. Call it on Apple's thread."""
        if self._closed.is_set():
            raise Closed

    def call(self, function: Callable[[], None]) -> None:
        """Run `function` on the waiting thread and wait for its end. Call it on Apple's thread.

        Raises:
            Closed: No thread waits.
        """
        done = threading.Event()
        self._calls.put((function, done))
        while not done.wait(_POLL_SECONDS):
            self.check()
        self.check()

    def end(self, outcome: Outcome | BaseException) -> None:
        """Let `wait` return or raise `outcome`. Call it on Apple's thread; the first outcome counts."""

        def keep() -> None:
            if self._outcome is None:
                self._outcome = outcome

        self._calls.put((keep, threading.Event()))

    def wait(self, look: Callable[[], None]) -> Outcome:
        """Run the functions of Apple's thread until an outcome is set. Call it on the training's own thread.

        Args:
            look: Called after each function, and every half second; an exception ends the wait.
        """
        try:
            while self._outcome is None:
                try:
                    function, done = self._calls.get(timeout=_POLL_SECONDS)
                except queue.Empty:
                    look()
                    continue
                function()
                if self._outcome is None:
                    look()
                done.set()
        finally:
            self._closed.set()
        if isinstance(self._outcome, BaseException):
            raise self._outcome
        return self._outcome
