"""The Valkey user of workers on other machines: its permissions suffice for a worker and allow nothing else."""

from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest
from redis.exceptions import NoPermissionError

from pippin.api.jobs import Artifact, Failure, Job
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Reason, Status
from pippin.api.tokens import issue
from pippin.api.workers import Drain, WorkerReport
from pippin.store import Claim, Client, Store, connect, new_token
from tests.support.paths import WORKER_ACL

PASSWORD = "workers-own"


@pytest.fixture
def limited(store: Store, valkey_url: str) -> Iterator[Client]:
    """The connection of such a user."""
    _, name, *rules = WORKER_ACL.read_text().split()
    store.redis.execute_command("ACL", "SETUSER", name, *rules, f">{PASSWORD}")
    store.scripts.load()  # as the service does
    with connect(f"redis://{name}:{PASSWORD}@127.0.0.1:{urlsplit(valkey_url).port}/0") as connection:
        yield connection
    store.redis.execute_command("ACL", "DELUSER", name)


def test_worker_user_can_end_an_attempt_in_every_way(
    store: Store,
    limited: Client,
    submit: Callable[..., Job],
    metrics: Callable[..., EpochMetrics],
    trained: Callable[[Job], Artifact],
) -> None:
    mine = Store(limited)
    failure = Failure(code=Reason.ENGINE_ERROR, detail="The engine stopped.")
    ends: dict[Status, Callable[[Job, Claim], object]] = {
        Status.SUCCEEDED: lambda job, claim: mine.attempts.succeed(claim, trained(job)),
        Status.FAILED: lambda _, claim: mine.attempts.fail(claim, failure),
        Status.CANCELLED: lambda job, claim: (store.jobs.cancel("default", job.id), mine.attempts.cancelled(claim)),
    }
    back: list[Callable[[Claim], object]] = [
        mine.attempts.hand_back,
        lambda claim: mine.reaping.report_lost(claim, failure),
    ]
    for status, end in ends.items():
        job = submit()
        claim = Claim("default", job.id, 1, new_token())
        mine.attempts.claim(claim, worker="mac-1", engine="jax")
        mine.attempts.running(claim)
        mine.attempts.renew(claim)
        mine.attempts.log(claim, "a line")
        mine.attempts.epoch(claim, metrics(1), BatchLosses.of([0.5], 1000))
        end(job, claim)
        assert status_of(store, job) is status
    for give in back:
        job = submit()
        claim = Claim("default", job.id, 1, new_token())
        mine.attempts.claim(claim, worker="mac-1", engine="jax")
        mine.attempts.running(claim)
        give(claim)
        assert status_of(store, job) is Status.QUEUED


def test_worker_user_can_read_and_remove_its_drain(store: Store, limited: Client, report: WorkerReport) -> None:
    mine = Store(limited).workers
    mine.heartbeat(report)
    store.workers.drain(report.name, Drain.FINISH)
    mine.heartbeat(report)
    assert mine.drain_of(report.name) is Drain.FINISH
    mine.remove(report.name)
    assert store.workers.drain_of(report.name) is None


def test_worker_user_trains_for_every_tenant_and_only_reads_datasets(
    store: Store, limited: Client, ask: Callable[..., ResolvedRequest]
) -> None:
    mine = Store(limited)
    job = store.jobs.submit("team-a", ask(), spec={})
    claim = Claim("team-a", job.id, 1, new_token())
    mine.attempts.claim(claim, worker="mac-1", engine="jax")
    mine.attempts.running(claim)
    assert mine.jobs.spec("team-a", job.id) == {}
    assert mine.datasets.get("team-a", "digits") is None
    with pytest.raises(NoPermissionError):
        limited.hset("pippin:team-a:dataset:ds_1", "record", "forged")


def status_of(store: Store, job: Job) -> Status:
    found = store.jobs.get("default", job.id)
    assert found is not None
    return found.status


def test_worker_user_can_neither_write_nor_read_tokens(store: Store, limited: Client) -> None:
    store.tokens.add(issue("worker", None))
    mine = Store(limited)
    for forbidden in (mine.tokens.all, lambda: mine.tokens.add(issue("worker", None)), lambda: mine.tokens.revoke("x")):
        with pytest.raises(NoPermissionError):
            forbidden()
    assert len(store.tokens.all()) == 1


@pytest.mark.parametrize(
    "command",
    [
        "FLUSHALL",
        "KEYS *",
        "CONFIG GET requirepass",
        "CONFIG SET maxmemory 1",
        "ACL LIST",
        "SHUTDOWN",
        "MONITOR",
        "GET elsewhere",
        "SET pippin:acting me",
    ],
)
def test_worker_user_cannot_administer_the_server_or_use_other_keys(limited: Client, command: str) -> None:
    with pytest.raises(NoPermissionError):
        limited.execute_command(*command.split())
