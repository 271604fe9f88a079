"""Steps of Redis's clock, an hour forward or back, while jobs train."""

from collections.abc import Iterator

import pytest
from redis.client import Pipeline

from pippin.api.states import Status
from pippin.store import Client, Control, Store, connect, keys
from pippin.store import scripts as scripts_module
from pippin.store.client import _Transaction
from service.background.reaper import Reaper
from service.telemetry.meters import Meters
from tests.pippin.store.driver import TENANT, Driver

HOUR = 3600
SHIFT = "test:shift"  # seconds that the clock of Redis is set forward, as the tests' scripts read it


class Clock:
    """Redis's clock, set by a test: every call of TIME reads this clock instead."""

    def __init__(self, client: Client) -> None:
        self.shift = 0
        self.client = client

    def set_forward(self, seconds: int) -> None:
        self.shift += seconds
        self.client.set(SHIFT, self.shift)


@pytest.fixture
def clock(valkey_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    shifted = Clock(connect(valkey_url))
    source = scripts_module._source

    def shifted_source(name: str) -> str:
        text = source(name)
        reading = "local time = redis.call('TIME')\n"
        assert reading in text
        return text.replace(
            reading, f"{reading}time[1] = string.format('%.0f', time[1] + (redis.call('GET', '{SHIFT}') or 0))\n"
        )

    execute = _Transaction.execute

    def shifted_execute(self: Pipeline, raise_on_error: bool = True) -> list[object]:
        places = [n for n, (command, _) in enumerate(self.command_stack) if command == ("TIME",)]
        answers = execute(self, raise_on_error)  # type: ignore[arg-type]
        for n in places:
            answers[n] = (int(answers[n][0]) + shifted.shift, answers[n][1])
        return answers

    monkeypatch.setattr(scripts_module, "_source", shifted_source)
    monkeypatch.setattr(_Transaction, "execute", shifted_execute)
    yield shifted
    shifted.client.close()


@pytest.fixture
def store(clock: Clock) -> Store:
    """A store whose scripts read that clock."""
    return Store(clock.client)


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_clock_step_does_not_change_the_time_left_of_a_job(
    store: Store, driver: Driver, clock: Clock, step: int
) -> None:
    _, held = driver.start(timeout_seconds=600)
    clock.set_forward(step)
    assert store.attempts.read_control(held) is store.attempts.renew(held) is Control.CONTINUE
    # The count continues from there: after ten minutes of renewals the timeout has passed.
    renewals = 0
    while store.attempts.renew(held) is Control.CONTINUE:
        clock.set_forward(15)
        renewals += 1
        assert renewals <= 41
    assert renewals >= 38


def test_job_handed_back_after_a_clock_step_is_charged_its_training_time(
    store: Store, driver: Driver, clock: Clock
) -> None:
    job, held = driver.start(timeout_seconds=600)
    clock.set_forward(HOUR)
    store.attempts.hand_back(held)
    spent = int(store.redis.hget(keys.job(TENANT, job.id).job, "spent") or -1) / 1e6
    assert 0 <= spent <= 20.1
    clock.set_forward(-2 * HOUR)
    assert store.attempts.renew(driver.run(job, 2)) is Control.CONTINUE


def test_worker_dead_before_a_clock_step_back_is_lost_within_a_lease(
    driver: Driver, clock: Clock, reaper: Reaper
) -> None:
    job, _ = driver.start()
    clock.set_forward(-HOUR)
    reaper.run_once()
    assert driver.status(job) is Status.RUNNING
    clock.set_forward(21)
    reaper.run_once()
    assert driver.status(job) is Status.QUEUED


def test_live_worker_keeps_its_job_through_clock_steps(store: Store, driver: Driver, clock: Clock) -> None:
    reaper = Reaper(store, interval=2, grace=10, gap=7.5)
    job, held = driver.start()
    for step in (HOUR, -2 * HOUR, HOUR):
        clock.set_forward(step)
        for _ in range(8):
            reaper.run_once()
            clock.set_forward(2)
            store.attempts.renew(held)
    reaper.run_once()
    assert reaper.acts
    assert driver.status(job) is Status.RUNNING


def test_dead_worker_is_not_listed_after_a_clock_step_back(store: Store, driver: Driver, clock: Clock) -> None:
    driver.heartbeat("dead", "alive")
    clock.set_forward(-HOUR)
    assert store.workers.alive() == []
    driver.heartbeat("alive")
    assert [worker.name for worker in store.workers.alive()] == ["alive"]


def test_job_in_no_queue_is_requeued_after_a_clock_step_back(store: Store, driver: Driver, clock: Clock) -> None:
    job = driver.submit()
    driver.withdraw(job)
    for step in (-HOUR, 31):
        assert store.reaping.requeue_orphans() == []
        clock.set_forward(step)
    assert store.reaping.requeue_orphans() == [(TENANT, job.id)]


def test_reaper_that_ended_before_a_clock_step_back_is_replaced(store: Store) -> None:
    assert store.reaping.acquire_leadership("ended", 4)
    store.redis.pexpire(keys.REAPER_LEADER, HOUR * 1000)  # as its expiry is then
    assert [store.reaping.acquire_leadership(name, 4) for name in ("next", "ended")] == [True, False]


@pytest.mark.parametrize("step", [HOUR, -HOUR])
def test_clock_step_is_counted_and_logged_once(
    store: Store, clock: Clock, step: int, capsys: pytest.CaptureFixture[str]
) -> None:
    meters = Meters()
    reaper = Reaper(store, interval=60, grace=0, gap=1e9, meters=meters)
    reaper.run_once()
    clock.set_forward(step)
    for _ in range(3):
        reaper.run_once()
    assert meters.registry.get_sample_value("pippin_redis_clock_steps_total") == 1
    assert "the clock of Redis was set" in capsys.readouterr().out


def test_clock_step_forward_makes_no_job_outdated(store: Store, driver: Driver, clock: Clock) -> None:
    store.jobs.cancel(TENANT, driver.submit().id)
    assert len(store.retention.outdated(-60)) == 1
    clock.set_forward(365 * 24 * HOUR)
    assert store.retention.outdated(30 * 24 * HOUR) == []
