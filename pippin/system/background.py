"""Periodic background tasks of a program."""

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
    """Await `duty()` repeatedly until cancelled. An exception is logged and does not end the loop.

    Args:
        seconds: The pause between the end of one call and the beginning of the next.
        duty: The task.
        failure: The log event for an exception.
        wait_first: Whether to pause before the first call too.
        pause_per_busy_second: The pause is at least this factor times the duration of the call.
    """
    if wait_first:
        await asyncio.sleep(seconds)
    while True:
        began = time.monotonic()
        try:
            await duty()
        except Exception:  # noqa: BLE001 - an exception must not end the loop
            _log.exception(failure)
        await asyncio.sleep(max(seconds, pause_per_busy_second * (time.monotonic() - began)))


class PeriodicThread:
    """A daemon thread that calls `duty` repeatedly during the `with` block.

    An exception ends the thread and reaches `threading.excepthook`.

    Args:
        name: The thread's name.
        seconds: The pause between the end of one call and the beginning of the next.
        duty: The task. It runs with the context variables of the thread that made this object.
        wait_first: Whether to pause before the first call too.
        join: Whether the end of the block waits for the current call. Without `join`, the end does not hang when that
            call hangs, for example in a dead connection.
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
        """Make no more calls; `duty` may call this itself. Does not wait."""
        self._stopped = True
        self._wakeup.set()

    def wake(self) -> None:
        """Call `duty` now, or once more after the current call. Does not wait."""
        self._wakeup.set()

    def _run(self) -> None:
        if self._wait_first:
            self._wakeup.wait(self._seconds)
        while not self._stopped:
            self._wakeup.clear()
            if self._stopped:  # `stop` was called between the two lines above
                return
            self._duty()
            self._wakeup.wait(self._seconds)
