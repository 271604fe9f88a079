from collections.abc import Callable, Iterator

import pytest

from pippin.store import Store, connect, keys
from service.background.reaper import Reaper
from service.telemetry.meters import Meters
from tests.service.conftest import MakeService, MakeTrainer
from tests.support.waiting import wait_for


@pytest.fixture
def short_lease_store(valkey_url: str) -> Iterator[Store]:
    """A store whose leases expire almost at once."""
    store = Store(connect(valkey_url), lease_seconds=0.05)
    yield store
    store.close()


@pytest.fixture
def lost_job_id(submitted: Callable[..., str], trainer: MakeTrainer, short_lease_store: Store) -> str:
    """A running job whose lease has expired."""
    attempt = trainer(submitted(), short_lease_store)
    attempt.begin()
    wait_for(short_lease_store.leases.expired, "the lease runs out")
    return str(attempt.job_id)


def status(store: Store, job_id: str) -> str:
    job = store.jobs.get("default", job_id)
    assert job is not None
    return job.status


def test_a_lost_attempt_is_queued_again_and_counted(lost_job_id: str, short_lease_store: Store) -> None:
    meters = Meters()
    reaper = Reaper(short_lease_store, interval=1, grace=0, gap=10, meters=meters)
    for _ in range(2):
        reaper.run_once()
        job = short_lease_store.jobs.get("default", lost_job_id)
        assert job is not None
        assert (job.status, [attempt.status for attempt in job.attempts]) == ("queued", ["lost"])
    assert meters.registry.get_sample_value("pippin_reaper_actions_total", {"action": "requeued"}) == 1
    assert meters.registry.get_sample_value("pippin_reaper_acting") == 1


def set_reachable_period(valkey_url: str, *, since: float, until: float) -> None:
    """Record that reapers reached Redis in a period, given in seconds before now."""
    client = connect(valkey_url)
    now = client.time()[0]
    times = {"since": int((now - since) * 1e6), "until": int((now - until) * 1e6)}
    for name, moment in times.items():
        client.hset(keys.REACHED, name, moment)
    client.close()


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        pytest.param(None, "running", id="never"),
        pytest.param({"since": 1001, "until": 5}, "queued", id="for longer than the grace"),
        pytest.param({"since": 1001, "until": 15}, "running", id="until a gap"),
    ],
)
def test_reaper_acts_once_redis_was_reachable_for_the_grace(
    lost_job_id: str, short_lease_store: Store, valkey_url: str, period: dict[str, float] | None, expected: str
) -> None:
    if period:
        set_reachable_period(valkey_url, **period)
    reaper = Reaper(short_lease_store, interval=1, grace=1000, gap=10)
    for _ in range(2):
        reaper.run_once()
        assert status(short_lease_store, lost_job_id) == expected


def test_reachable_time_accumulates_over_short_gaps(short_lease_store: Store, valkey_url: str) -> None:
    assert short_lease_store.reaping.reached(10) == 0
    set_reachable_period(valkey_url, since=100, until=9)
    assert 100 <= short_lease_store.reaping.reached(10) < 200
    assert short_lease_store.reaping.reached(10) >= 100
    assert short_lease_store.reaping.reached(0) == 0


def test_a_clock_set_back_restarts_the_grace(short_lease_store: Store, valkey_url: str) -> None:
    set_reachable_period(valkey_url, since=-1000, until=-2000)
    assert short_lease_store.reaping.reached(10) == 0


def test_reaper_interval_is_at_most_half_the_gap(short_lease_store: Store) -> None:
    assert Reaper(short_lease_store, interval=60, grace=10, gap=7.5)._interval == 3.75
    assert Reaper(short_lease_store, interval=2, grace=10, gap=7.5)._interval == 2


def test_redis_outage_ends_the_reapers_leadership() -> None:
    reaper = Reaper(Store(connect("redis://127.0.0.1:1", retries=0)), interval=2, grace=0, gap=10)
    reaper.acts = True
    reaper._run_if_reachable()
    assert not reaper.acts


def test_only_one_of_two_reapers_acts_until_it_resigns(lost_job_id: str, short_lease_store: Store) -> None:
    first, second = (Reaper(short_lease_store, interval=1, grace=0, gap=10) for _ in range(2))
    assert short_lease_store.reaping.acquire_leadership(first._name, 100)
    second.run_once()
    assert status(short_lease_store, lost_job_id) == "running"
    first._resign()
    second.run_once()
    assert status(short_lease_store, lost_job_id) == "queued"


def test_running_service_requeues_lost_jobs(
    make_service: MakeService, submitted: Callable[..., str], trainer: MakeTrainer, short_lease_store: Store
) -> None:
    service, job_id = make_service(reaper_interval_seconds=0.1, reaper_grace_seconds=0.3), submitted()
    trainer(job_id, short_lease_store).begin()
    with service.client() as http:
        wait_for(lambda: http.get(f"/jobs/{job_id}").json()["status"] == "queued", "the job is queued again")
        assert http.get(f"/jobs/{job_id}").json()["attempts"][0]["reason"]["code"] == "worker_lost"
