from collections.abc import Callable, Iterator
from typing import Any, Protocol

import httpx2
import pytest

from pippin.store import Store, connect
from service.meters import Meters
from service.reaper import Reaper

WaitFor = Callable[[Callable[[], object], str], None]


class Service(Protocol):
    url: str


@pytest.fixture
def hasty(valkey_url: str) -> Iterator[Store]:
    """A store whose leases run out almost at once."""
    store = Store(connect(valkey_url), lease_seconds=0.05)
    yield store
    store.close()


@pytest.fixture
def lost(submit: Callable[..., dict[str, Any]], trainer: Callable[..., Any], hasty: Store, wait_for: WaitFor) -> str:
    """A job whose worker has fallen silent."""
    attempt = trainer(submit()["id"], hasty)
    attempt.begin()
    wait_for(hasty.reaping.expired, "the lease runs out")
    return str(attempt.job_id)


def status(store: Store, job_id: str) -> str:
    job = store.jobs.get("default", job_id)
    assert job is not None
    return job.status


def test_a_lost_attempt_is_queued_again(lost: str, hasty: Store) -> None:
    Reaper(hasty, interval=1, grace=0).look()
    job = hasty.jobs.get("default", lost)
    assert job is not None
    assert job.status == "queued"
    assert [attempt.status for attempt in job.attempts] == ["lost"]


def test_what_the_reaper_did_is_counted(lost: str, hasty: Store) -> None:
    meters = Meters()
    reaper = Reaper(hasty, interval=1, grace=0, meters=meters)
    reaper.look()
    reaper.look()
    assert status(hasty, lost) == "queued"
    assert meters.registry.get_sample_value("pippin_reaper_actions_total", {"action": "requeued"}) == 1
    assert meters.registry.get_sample_value("pippin_reaper_acting") == 1


def test_nothing_is_taken_before_redis_was_reached_for_long_enough(lost: str, hasty: Store) -> None:
    reaper = Reaper(hasty, interval=1, grace=1000)
    reaper.look()
    reaper.look()
    assert status(hasty, lost) == "running"


def test_a_gap_begins_the_wait_anew() -> None:
    reaper = Reaper(Store(connect("redis://127.0.0.1:1")), interval=2, grace=10)
    trusted = [now for now in (0, 2, 4, 6, 8, 10, 12, 30, 32, 34, 36, 38, 40, 42) if reaper._trusts(now)]
    assert trusted == [10, 12, 40, 42]


def test_an_outage_begins_the_wait_anew() -> None:
    reaper = Reaper(Store(connect("redis://127.0.0.1:1", retries=0)), interval=2, grace=10)
    assert [reaper._trusts(now) for now in (0, 4, 8, 12)] == [False, False, False, True]
    reaper._look_safely()
    assert not reaper._trusts(13)


def test_of_two_only_one_acts_until_it_resigns(lost: str, hasty: Store) -> None:
    first, second = (Reaper(hasty, interval=1, grace=0) for _ in range(2))
    assert hasty.reaping.acting(first._name, 1000)
    second.look()
    assert status(hasty, lost) == "running"
    first._resign()
    second.look()
    assert status(hasty, lost) == "queued"


def test_a_running_service_brings_back_what_was_lost(
    *,
    make_service: Callable[..., Service],
    trainer: Callable[..., Any],
    hasty: Store,
    tiny_npz: bytes,
    wait_for: WaitFor,
) -> None:
    service = make_service(reaper_interval_seconds=0.1, reaper_grace_seconds=0.3)
    with httpx2.Client(base_url=service.url, timeout=20) as http:
        http.post("/datasets?name=tiny", content=tiny_npz)
        job_id = http.post("/jobs", json={"model": {"preset": "mnist-cnn"}, "dataset": "tiny"}).json()["id"]
        trainer(job_id, hasty).begin()
        wait_for(lambda: http.get(f"/jobs/{job_id}").json()["status"] == "queued", "the job is queued again")
        assert http.get(f"/jobs/{job_id}").json()["attempts"][0]["reason"]["code"] == "worker_lost"
