"""Between Apple's thread, which calls our handlers, and the training's own thread, which waits for them."""

import queue
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Outcome = TypeVar("Outcome")

_SECONDS = 0.5


class Closed(Exception):  # noqa: N818 - nothing went wrong: the waiting thread has left
    """The training's own thread has gone."""


class Relay(Generic[Outcome]):
    """Has things done on the thread that waits, one at a time, until there is an outcome.

    Core ML pauses while a handler runs, and so it does while the handler waits here.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[tuple[Callable[[], None], threading.Event]] = queue.SimpleQueue()
        self._closed = threading.Event()
        self._outcome: Outcome | BaseException | None = None

    def check(self) -> None:
        """Raise `Closed` if no thread waits any more. Call it on Apple's thread."""
        if self._closed.is_set():
            raise Closed

    def call(self, function: Callable[[], None]) -> None:
        """Have `function` called on the other thread and wait until it was. Call it on Apple's thread.

        Raises:
            Closed: No thread waits any more.
        """
        done = threading.Event()
        self._calls.put((function, done))
        while not done.wait(_SECONDS):
            self.check()
        self.check()

    def end(self, outcome: Outcome | BaseException) -> None:
        """Let `wait` return this, or raise it. Call it on Apple's thread; the first outcome counts."""

        def keep() -> None:
            if self._outcome is None:
                self._outcome = outcome

        self._calls.put((keep, threading.Event()))

    def wait(self, look: Callable[[], None]) -> Outcome:
        """Do what Apple's thread asks for until there is an outcome. Call it on the training's own thread.

        Args:
            look: Called after everything that was done, and every half second; what it raises ends the waiting.
        """
        try:
            while self._outcome is None:
                try:
                    function, done = self._calls.get(timeout=_SECONDS)
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
