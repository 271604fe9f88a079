"""Retries after failures, and waiting for a condition: the only place that computes pauses."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

Errors = type[Exception] | tuple[type[Exception], ...]


class Backoff:
    """The pauses between tries: they double from `first` up to `longest` seconds, each varied by jitter.

    Args:
        first: Seconds before the second try.
        longest: Maximum pause in seconds, without jitter.
        seconds: Time in which a try may begin, counted from construction or from the last `reset`; 0 allows one try,
            None sets no limit.
        tries: Maximum number of tries in a row, including the first; None sets no limit.
        jitter: The share by which a pause is randomly longer or shorter. It prevents all clients of a server that was
            unreachable from returning at the same instant.

    Attributes:
        failures: Number of failed tries since construction or the last `reset`.
    """

    def __init__(
        self,
        first: float = 0.1,
        longest: float = 2.0,
        *,
        seconds: float | None = None,
        tries: int | None = None,
        jitter: float = 0.2,
    ) -> None:
        self._first = first
        self._longest = longest
        self._seconds = seconds
        self._tries = tries
        self._jitter = jitter
        self.reset()

    def reset(self) -> None:
        """Restart after progress, with the first pause, all tries and the whole time."""
        self.failures = 0
        self._pause = self._first
        self._deadline = None if self._seconds is None else time.monotonic() + self._seconds

    @property
    def exhausted(self) -> bool:
        """Whether a failure now is final: no try is left, or the next try would begin too late."""
        if self._tries is not None and self.failures + 1 >= self._tries:
            return True
        return self._deadline is not None and time.monotonic() + self._pause > self._deadline

    def pause(self) -> float:
        """Count a failure and return the seconds to wait before the next try."""
        self.failures += 1
        pause, self._pause = self._pause, min(2 * self._pause, self._longest)
        return pause * random.uniform(1 - self._jitter, 1 + self._jitter)  # noqa: S311 - not for cryptography


def retry(
    call: Callable[[], T],
    backoff: Backoff,
    on: Errors,
    *,
    unless: Errors = (),
    report: Callable[[Exception], object] | None = None,
) -> T:
    """Call `call` until it succeeds, and return its result.

    Args:
        call: The call to retry.
        backoff: The pauses and limits.
        on: The errors after which to retry. Once `backoff` is exhausted they are raised.
        unless: Subclasses of these errors that are raised at once, because another try cannot help.
        report: Called with each error that is followed by another try, for example to log it.
    """
    while True:
        try:
            return call()
        except unless:
            raise
        except on as error:
            if backoff.exhausted:
                raise
            if report is not None:
                report(error)
        time.sleep(backoff.pause())


async def retry_async(
    call: Callable[[], Awaitable[T]],
    backoff: Backoff,
    on: Errors,
    *,
    report: Callable[[Exception], object] | None = None,
) -> T:
    """Await `call()` until it succeeds, and return its result; otherwise as `retry`."""
    while True:
        try:
            return await call()
        except on as error:
            if backoff.exhausted:
                raise
            if report is not None:
                report(error)
        await asyncio.sleep(backoff.pause())


def wait_until(
    condition: Callable[[], T], seconds: float | None, *, interval: float = 0.05, longest: float | None = None
) -> T:
    """Call `condition` until its result is true or `seconds` have passed.

    Args:
        condition: Called at least once.
        seconds: How long to wait; None waits without limit.
        interval: Seconds between two calls.
        longest: If greater than `interval`, the pauses double from `interval` up to this.

    Returns:
        The last result; it is false when the time has passed.
    """
    pauses = Backoff(interval, interval if longest is None else longest, jitter=0)
    deadline = None if seconds is None else time.monotonic() + seconds
    while not (result := condition()):
        pause = pauses.pause()
        if deadline is not None:
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                break
            pause = min(pause, remaining)
        time.sleep(pause)
    return result
