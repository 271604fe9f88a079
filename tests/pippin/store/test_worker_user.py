"""The Valkey user of workers on other machines: its permissions suffice for a worker and allow nothing else."""

from collections.abc import Callable

import pytest
from redis.exceptions import NoPermissionError

from pippin.api.metrics import BatchLosses
from pippin.api.states import Status
from pippin.api.tokens import issue
from pippin.api.workers import Drain
from pippin.store import Claim, Client, Store, StoreUnavailable, keys
from tests.pippin.store.driver import FAILURE, TENANT, WORKER, Driver, trained_model
from tests.support.records import epoch_metrics, worker_report


@pytest.fixture
def own(remote: Client) -> Store:
    """The store as such a worker opens it."""
    return Store(remote)


@pytest.mark.parametrize(
    ("end", "status"),
    [
        (lambda own, claim: own.attempts.succeed(claim, trained_model(claim.job_id)), Status.SUCCEEDED),
        (lambda own, claim: own.attempts.fail(claim, FAILURE), Status.FAILED),
        (lambda own, claim: own.attempts.cancelled(claim), Status.CANCELLED),
        (lambda own, claim: own.attempts.hand_back(claim), Status.QUEUED),
        (lambda own, claim: own.reaping.report_lost(claim, FAILURE), Status.QUEUED),
    ],
    ids=["succeeds", "fails", "is cancelled", "is handed back", "is lost"],
)
def test_worker_user_can_end_an_attempt_in_every_way(
    store: Store, driver: Driver, own: Store, end: Callable[[Store, Claim], object], status: Status
) -> None:
    job = driver.submit()
    claim = Driver(own).run(job)
    own.attempts.renew(claim)
    own.attempts.log(claim, "a line")
    own.attempts.epoch(claim, epoch_metrics(1), BatchLosses.of([0.5], 1000))
    if status is Status.CANCELLED:
        store.jobs.cancel(TENANT, job.id)
    end(own, claim)
    assert driver.status(job) is status


def test_worker_user_can_read_and_remove_its_drain(store: Store, own: Store) -> None:
    own.workers.heartbeat(worker_report())
    store.workers.drain(WORKER, Drain.FINISH)
    own.workers.heartbeat(worker_report())
    assert own.workers.drain_of(WORKER) is Drain.FINISH
    own.workers.remove(WORKER)
    assert store.workers.drain_of(WORKER) is None


def test_worker_user_trains_for_every_tenant_and_only_reads_datasets(store: Store, own: Store, remote: Client) -> None:
    job = Driver(store, "team-a").submit()
    Driver(own, "team-a").run(job)
    assert own.jobs.spec("team-a", job.id) == {"layers": []}
    assert own.datasets.get("team-a", "digits") is None
    with pytest.raises(NoPermissionError):
        remote.hset("pippin:team-a:dataset:ds_1", "record", "forged")


def test_worker_user_can_neither_write_nor_read_tokens(store: Store, own: Store) -> None:
    store.tokens.add(issue("worker", None))
    for forbidden in (own.tokens.all, lambda: own.tokens.add(issue("worker", None)), lambda: own.tokens.revoke("x")):
        with pytest.raises(NoPermissionError):
            forbidden()
    assert len(store.tokens.all()) == 1


def test_script_that_reads_tokens_is_refused(store: Store, remote: Client) -> None:
    store.tokens.add(issue("admin", "ada"))
    script = "return redis.call('HGETALL', KEYS[1])"
    with pytest.raises(NoPermissionError):
        remote.eval(script, 1, keys.HASHES)
    loaded = store.redis.script_load(script)
    with pytest.raises(NoPermissionError):
        remote.evalsha(loaded, 1, keys.HASHES)
    with pytest.raises(StoreUnavailable, match="this user may not load them"):
        remote.script_load(script)


@pytest.mark.parametrize(
    "commands",
    [
        pytest.param(["EVAL return(1) 0", "SCRIPT FLUSH", "FUNCTION FLUSH"], id="scripts of its own"),
        pytest.param(["SCAN 0", "RANDOMKEY", "DBSIZE", "KEYS *"], id="lists of keys"),
        pytest.param(
            [
                *("CONFIG GET requirepass", "CONFIG SET maxmemory 1", "ACL LIST", "INFO", "MONITOR", "SUBSCRIBE x"),
                *("CLIENT KILL TYPE normal", "CLIENT PAUSE 100000", "FLUSHDB", "FLUSHALL", "SHUTDOWN"),
            ],
            id="administration",
        ),
        pytest.param(
            [
                *("DEL {job}", "UNLINK {job}", "EXPIRE {job} 1", "RENAME {job} {job}x", "SET {job} x"),
                *("SET {job}:spec x", "COPY {job} rq:x", "XTRIM {job}:events MAXLEN 0", "XDEL {job}:events 0-1"),
                "LTRIM {job}:transitions 1 0",
            ],
            id="changes of a job other than by scripts",
        ),
        pytest.param(
            [
                *("DEL pippin:leases", "ZREMRANGEBYRANK pippin:leases 0 -1", "ZRANGE pippin:leases 0 -1"),
                *("DEL pippin:workers", "SADD pippin:tenants x", "ZADD pippin:default:jobs 0 x"),
                *("HSET pippin:default:counters x y", "SET pippin:acting x"),
            ],
            id="indexes",
        ),
        pytest.param(
            [
                *("HSET pippin:default:dataset:ds_1 record x", "HGET pippin:default:model:m record"),
                *("HGETALL pippin:tokens", "HGETALL pippin:tokens:hashes", "SMEMBERS pippin:tokens:roles"),
                *("GET pippin:session:x", "GET pippin:default:quota:token_x:jobs", "GET elsewhere", "SET elsewhere x"),
            ],
            id="other records",
        ),
    ],
)
def test_forbidden_command_is_refused(driver: Driver, remote: Client, commands: list[str]) -> None:
    job = driver.submit()
    for command in commands:
        with pytest.raises(NoPermissionError):
            remote.execute_command(*command.replace("{job}", keys.job(TENANT, job.id).job).split())
        assert driver.status(job) is Status.QUEUED, command
