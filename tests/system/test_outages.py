"""Redis unavailable or killed during a training, or one of two services killed: nothing is lost."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial

import httpx2
import pytest

from pippin.api.metrics import EpochMetrics
from pippin.api.states import Reason, Status
from pippin.client import Client
from pippin.store import QUEUES, Store, connect, keys
from tests.chaos.cluster import Cluster, Member
from tests.chaos.jobs import dataset, request
from tests.support.waiting import wait_for

# In quick runs the short form of `make chaos` covers these faults.
pytestmark = pytest.mark.full

EPOCH_SECONDS = 0.2
HASTE = {"lease_seconds": 3, "lease_renew_seconds": 1, "reaper_interval_seconds": 0.5, "reaper_grace_seconds": 1.5}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A worker and two services, with leases of 3 s."""
    folder = tmp_path_factory.mktemp("cluster")
    with Cluster(folder, services=2, epoch_seconds=EPOCH_SECONDS, settings=HASTE) as running:
        with running.client() as client:
            client.add_dataset("points", [dataset(folder)])
        yield running
    assert running.remains() == []


@pytest.fixture
def client(cluster: Cluster) -> Iterator[Client]:
    """A client of the first service."""
    cluster.wait_until_ready()
    with cluster.client() as opened:
        yield opened


@pytest.fixture
def records(cluster: Cluster) -> Iterator[Store]:
    """A store on the services' Valkey."""
    store = cluster.store()
    yield store
    store.close()


@pytest.fixture
def worker(cluster: Cluster) -> Iterator[Member]:
    """The worker, which is restarted for the next test."""
    yield cluster.workers[0]
    cluster.workers[0].held_down = False


def submit(client: Client, epochs: int = 10_000, **more: object) -> str:
    return client.submit(request(epochs, **more)).id


def status(client: Client, job_id: str) -> str:
    return client.job(job_id).status


def follow(cluster: Cluster, job_id: str, seen: list[EpochMetrics], service: int = 0) -> threading.Thread:
    """Follow the job through a service, in a thread that ends with the job."""

    def listen() -> None:
        with cluster.client(service) as client:
            seen.extend(client.follow(job_id))

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("seconds", "silent"),
    [
        pytest.param(5, False, id="refuses"),
        pytest.param(5, True, id="silent"),
        pytest.param(60, False, id="refuses-long", marks=pytest.mark.timeout(300)),
        pytest.param(60, True, id="silent-long", marks=pytest.mark.timeout(300)),
    ],
)
def test_training_survives_a_redis_outage(cluster: Cluster, client: Client, *, seconds: float, silent: bool) -> None:
    epochs = int(seconds / EPOCH_SECONDS) + 15
    restarts = [member.restarts for member in [*cluster.services, *cluster.workers]]
    job_id = submit(client, epochs)
    seen: list[EpochMetrics] = []
    follower = follow(cluster, job_id, seen)
    wait_for(lambda: client.job(job_id).progress.epoch >= 2)

    answers: list[httpx2.Response] = []
    with ThreadPoolExecutor(1) as pool:
        began = datetime.now(UTC)
        outage = pool.submit(cluster.freeze_valkey if silent else cluster.kill_valkey, seconds)
        while not outage.done():
            answers.append(httpx2.get(f"{cluster.urls[0]}/jobs/{job_id}", timeout=60))
            time.sleep(0.5)
        ended = datetime.now(UTC)
        outage.result()

    done = client.wait(job_id, timeout=120)
    assert (done.status, len(done.attempts)) == (Status.SUCCEEDED, 1), done.reason
    metrics = client.metrics(job_id).data
    assert [each.epoch for each in metrics] == list(range(1, epochs + 1))
    # The training continued at full speed during the outage.
    assert sum(began < each.time < ended for each in metrics) > seconds
    follower.join(60)
    assert [epoch.model_dump() for epoch in seen] == [epoch.model_dump() for epoch in metrics]
    assert [member.restarts for member in [*cluster.services, *cluster.workers]] == restarts
    refused = [answer for answer in answers if answer.status_code != 200]
    assert all((answer.status_code, answer.headers["retry-after"]) == (503, "2") for answer in refused)
    if not silent:
        assert refused


def test_acknowledged_writes_survive_a_valkey_kill(cluster: Cluster, client: Client) -> None:
    training = submit(client)
    wait_for(lambda: client.job(training).progress.epoch >= 2)
    acknowledged: list[str] = []
    enough = threading.Event()

    def submit_repeatedly() -> None:
        with cluster.client(patience=0) as hasty:
            while not enough.is_set():
                acknowledged.append(hasty.submit(request(1), idempotency_key=f"{len(acknowledged)}").id)

    with ThreadPoolExecutor(1) as pool:
        submitting = pool.submit(submit_repeatedly)
        wait_for(lambda: len(acknowledged) >= 20)
        known = client.metrics(training).data
        cluster.kill_valkey()
        enough.set()
        submitting.exception(60)  # Valkey may have been gone before the last answer
    assert client.metrics(training).data[: len(known)] == known
    assert {client.job(job_id).status for job_id in acknowledged} == {Status.QUEUED}
    for job_id in [*acknowledged, training]:
        client.cancel(job_id)
    assert client.wait(training, timeout=60).status == Status.CANCELLED


def test_second_service_takes_over_requeueing_lost_jobs(cluster: Cluster, client: Client, worker: Member) -> None:
    epochs = 60
    job_id = submit(client, epochs)
    seen: list[EpochMetrics] = []
    follower = follow(cluster, job_id, seen)
    wait_for(lambda: status(client, job_id) == "running")
    with connect(cluster.valkey.url) as records, cluster.client(1) as other:
        acting = records.get(keys.REAPER_LEADER)
        assert acting is not None
        cluster.services[0].kill(hold_down=True)
        left = records.pttl(keys.REAPER_LEADER)
        # The acting service renews its key repeatedly; if the killed service was acting, the key expires.
        wait_for(lambda: records.get(keys.REAPER_LEADER) != acting or records.pttl(keys.REAPER_LEADER) > left)
        first_was_acting = records.get(keys.REAPER_LEADER) != acting
        if not first_was_acting:
            cluster.services[0].held_down = False
            cluster.wait_until_ready()
            cluster.services[1].kill(hold_down=True)
            wait_for(lambda: records.get(keys.REAPER_LEADER) not in {acting, None})
        survivor = other if first_was_acting else client
        worker.kill()
        wait_for(lambda: len(survivor.job(job_id).attempts) == 2, seconds=60)
        assert survivor.job(job_id).attempts[0].status == "lost"
        for service in cluster.services:
            service.held_down = False
        assert survivor.wait(job_id, timeout=90).status == Status.SUCCEEDED
    follower.join(60)
    assert [each.epoch for each in seen] == list(range(1, epochs + 1))


@pytest.mark.parametrize(("action", "end"), [("cancel", Status.CANCELLED), ("pause", Status.PAUSED)])
def test_cancel_and_pause_take_effect_despite_a_dead_worker(
    client: Client, worker: Member, records: Store, *, action: str, end: Status
) -> None:
    job_id = submit(client)
    wait_for(lambda: client.job(job_id).progress.epoch >= 1)
    worker.kill(hold_down=True)
    assert not getattr(records.jobs, action)("default", job_id).status.is_final
    wait_for(lambda: status(client, job_id) == end, seconds=60)
    assert client.job(job_id).attempts[0].status == "lost"
    if end is Status.PAUSED:
        client.cancel(job_id)


@pytest.mark.timeout(300)
def test_job_that_loses_three_workers_fails_with_worker_lost(client: Client, worker: Member) -> None:
    # No checkpoint is made between the attempts.
    job_id = submit(client, max_attempts=3, checkpoint={"every_epochs": 10_000, "keep": 1})

    def has_attempts(count: int) -> bool:
        return len(client.job(job_id).attempts) == count

    for number in (1, 2, 3):
        wait_for(partial(has_attempts, number), seconds=60)
        wait_for(lambda: status(client, job_id) == "running")
        worker.kill()
    done = client.wait(job_id, timeout=60)
    assert done.status == Status.FAILED
    assert done.reason is not None
    assert done.reason.code is Reason.WORKER_LOST
    assert done.reason.detail == (
        f"The worker {done.attempts[2].worker} stopped answering during attempt 3; "
        "3 attempts were lost, and max_attempts is 3."
    )


def test_queued_job_missing_from_its_queue_is_recovered(cluster: Cluster, client: Client, worker: Member) -> None:
    worker.kill(hold_down=True)
    job_id = submit(client, epochs=1)
    with connect(cluster.valkey.url) as queues:
        # The state after a worker was killed between taking a job from the queue and claiming it.
        assert queues.lrem(f"rq:queue:{QUEUES['jax']}", 0, f"{job_id}-1") == 1
    worker.held_down = False
    assert client.wait(job_id, timeout=90).status == Status.SUCCEEDED
