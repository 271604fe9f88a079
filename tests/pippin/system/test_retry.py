"""Pauses double up to a limit, tries are limited by number or time, and a reset restarts the pauses."""

import asyncio
from itertools import count

import pytest

from pippin.system import retry as module
from pippin.system.retry import Backoff, retry, retry_async, wait_until


class Clock:
    """A fake `time`, which only `sleep` advances."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


class Flaky:
    """A function that fails `failures` times before it returns."""

    def __init__(self, failures: int, error: type[Exception] = ConnectionError) -> None:
        self.failures = failures
        self.error = error
        self.calls = 0

    def __call__(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error(self.calls)
        return "answer"


def test_pauses_double_up_to_the_longest_and_restart_after_a_reset() -> None:
    backoff = Backoff(0.1, 0.5, jitter=0)
    assert [backoff.pause() for _ in range(5)] == pytest.approx([0.1, 0.2, 0.4, 0.5, 0.5])
    assert backoff.failures == 5
    backoff.reset()
    assert (backoff.pause(), backoff.failures) == (0.1, 1)


def test_jitter_varies_a_pause_by_its_share() -> None:
    pauses = {Backoff(10, jitter=0.2).pause() for _ in range(50)}
    assert len(pauses) > 1
    assert all(8 <= pause <= 12 for pause in pauses)


def test_pauses_do_not_overflow_after_very_many_failures() -> None:
    backoff = Backoff(1, 30, jitter=0)
    assert [backoff.pause() for _ in range(2000)][-1] == 30


@pytest.mark.parametrize(("failures", "calls"), [(0, 1), (2, 3), (3, 3), (9, 3)])
def test_tries_are_limited_by_number(clock: Clock, failures: int, calls: int) -> None:
    flaky = Flaky(failures)
    if failures < 3:
        assert retry(flaky, Backoff(tries=3), ConnectionError) == "answer"
    else:
        with pytest.raises(ConnectionError, match="3"):
            retry(flaky, Backoff(tries=3), ConnectionError)
    assert (flaky.calls, len(clock.slept)) == (calls, calls - 1)


@pytest.mark.parametrize(("seconds", "slept"), [(0, []), (0.05, []), (0.1, [0.1]), (1, [0.1, 0.2, 0.4])])
def test_no_try_begins_after_the_time_is_over(clock: Clock, seconds: float, slept: list[float]) -> None:
    with pytest.raises(ConnectionError):
        retry(Flaky(99), Backoff(0.1, seconds=seconds, jitter=0), ConnectionError)
    assert clock.slept == pytest.approx(slept)


def test_other_and_excluded_errors_are_raised_at_once() -> None:
    for error in (FileNotFoundError, KeyError):
        flaky = Flaky(1, error)
        with pytest.raises(error):
            retry(flaky, Backoff(), OSError, unless=FileNotFoundError)
        assert flaky.calls == 1


def test_each_error_before_another_try_is_reported(clock: Clock) -> None:
    errors: list[Exception] = []
    retry(Flaky(2), Backoff(), ConnectionError, report=errors.append)
    assert [error.args for error in errors] == [(1,), (2,)]
    assert clock.now > 0


def test_coroutines_are_retried() -> None:
    flaky = Flaky(2)
    errors: list[Exception] = []

    async def call() -> str:
        return flaky()

    assert asyncio.run(retry_async(call, Backoff(0), ConnectionError, report=errors.append)) == "answer"
    assert len(errors) == 2
    flaky.calls = 0
    with pytest.raises(ConnectionError):
        asyncio.run(retry_async(call, Backoff(tries=1), ConnectionError))


def test_wait_until_ends_with_the_condition_or_the_deadline(clock: Clock) -> None:
    calls = count()
    assert wait_until(lambda: next(calls) == 3, None, interval=1, longest=3)
    assert clock.slept == [1, 2, 3]
    assert not wait_until(lambda: False, 2.5, interval=1)
    assert clock.slept[3:] == [1, 1, 0.5]
    assert wait_until(lambda: "now", 0) == "now"
