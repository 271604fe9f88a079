"""Periodic functions continue after errors, pause as configured, and end on request."""

import asyncio
import threading
from contextvars import ContextVar

import pytest
import structlog

from pippin.system.background import PeriodicThread, every

_WAIT = 30  # seconds; a condition comes much earlier


def test_task_that_raises_runs_again() -> None:
    turns = 0

    async def duty() -> None:
        nonlocal turns
        turns += 1
        if turns == 3:
            raise asyncio.CancelledError
        raise ValueError(turns)

    with structlog.testing.capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        asyncio.run(every(0, duty, failure="counting failed"))
    assert [(line["event"], line["log_level"]) for line in logs] == [("counting failed", "error")] * 2


@pytest.mark.parametrize(
    ("wait_first", "factor", "busy", "pauses"),
    [(False, 0, 0, [5]), (True, 0, 0, [5, 5]), (False, 20, 3, [60]), (False, 20, 0.1, [5])],
)
def test_pauses_between_calls(
    monkeypatch: pytest.MonkeyPatch, wait_first: bool, factor: float, busy: float, pauses: list[float]
) -> None:
    slept: list[float] = []
    now = 0.0

    async def sleep(seconds: float) -> None:
        slept.append(seconds)
        if len(slept) == len(pauses):
            raise asyncio.CancelledError

    async def duty() -> None:
        nonlocal now
        now += busy

    monkeypatch.setattr("pippin.system.background.asyncio.sleep", sleep)
    monkeypatch.setattr("pippin.system.background.time.monotonic", lambda: now)
    loop = asyncio.new_event_loop()
    with pytest.raises(asyncio.CancelledError):
        loop.run_until_complete(every(5, duty, failure="failed", wait_first=wait_first, pause_per_busy_second=factor))
    loop.close()
    assert slept == pytest.approx(pauses)


def test_wake_calls_the_function_at_once_but_not_after_the_block() -> None:
    called = threading.Semaphore(0)
    calls: list[str] = []
    request: ContextVar[str] = ContextVar("request")
    request.set("r1")

    def duty() -> None:
        calls.append(request.get())
        called.release()

    with PeriodicThread("duty", 3600, duty) as thread:
        assert called.acquire(timeout=_WAIT)
        thread.wake()
        assert called.acquire(timeout=_WAIT)
        assert not thread.stopped
    thread.wake()
    assert thread.stopped
    assert calls == ["r1", "r1"]


def test_thread_can_wait_first_or_stop_itself() -> None:
    ended = threading.Event()
    with PeriodicThread("idle", 3600, ended.set, wait_first=True):
        pass
    assert not ended.is_set()

    def duty() -> None:
        thread.stop()
        ended.set()

    thread = PeriodicThread("once", 0, duty)
    with thread:
        assert ended.wait(_WAIT)
        assert thread.stopped


def test_block_with_join_false_does_not_wait_for_a_hanging_call() -> None:
    begun, release = threading.Event(), threading.Event()

    def duty() -> None:
        begun.set()
        release.wait(_WAIT)

    with PeriodicThread("hanging", 0, duty, join=False):
        assert begun.wait(_WAIT)
    assert not release.is_set()
    release.set()
