"""Duties that are done again and again beside a program's main work."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import Self

import structlog

_log = structlog.stdlib.get_logger(__name__)


async def every(
    seconds: float,
    duty: Callable[[], Awaitable[object]],
    *,
    failure: str,
    wait_first: bool = False,
    pause_per_busy_second: float = 0,
) -> None:
    """Await `duty()` again and again, until cancelled. An exception is logged; the next turn comes all the same.

    Args:
        seconds: The pause between the end of one turn and the beginning of the next.
        duty: What to do.
        failure: The log event for an exception.
        wait_first: Whether the first turn comes after one pause, too.
        pause_per_busy_second: Where a turn takes long, the pause is at least so many times its duration.
    """
    if wait_first:
        await asyncio.sleep(seconds)
    while True:
        began = time.monotonic()
        try:
            await duty()
        except Exception:  # noqa: BLE001 - the next turn must come
            _log.exception(failure)
        await asyncio.sleep(max(seconds, pause_per_busy_second * (time.monotonic() - began)))


class PeriodicThread:
    """A daemon thread that calls `duty` again and again while the `with` block lasts.

    An exception ends the thread and reaches `threading.excepthook`.

    Args:
        name: The thread's name.
        seconds: The pause between the end of one call and the beginning of the next.
        duty: What to do. It runs with the context variables of the thread that made this object.
        wait_first: Whether the first call comes after one pause, too.
        join: Whether the end of the block waits for a call that is under way. Without it, the end does not hang where
            that call does, in a dead connection for example.
    """

    def __init__(
        self, name: str, seconds: float, duty: Callable[[], object], *, wait_first: bool = False, join: bool = True
    ) -> None:
        self._seconds = seconds
        self._duty = duty
        self._wait_first = wait_first
        self._join = join
        self._wakeup = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=copy_context().run, args=(self._run,), name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._join:
            self._thread.join()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def stop(self) -> None:
        """Make no more calls; `duty` may say so itself. Does not wait."""
        self._stopped = True
        self._wakeup.set()

    def wake(self) -> None:
        """Have `duty` called now, or once more when a call is under way. Does not wait."""
        self._wakeup.set()

    def _run(self) -> None:
        if self._wait_first:
            self._wakeup.wait(self._seconds)
        while not self._stopped:
            self._wakeup.clear()
            if self._stopped:  # between the two lines above
                return
            self._duty()
            self._wakeup.wait(self._seconds)
