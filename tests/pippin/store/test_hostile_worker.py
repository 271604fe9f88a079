"""The damage that a client with a worker's credentials can do, and the services that continue all the same.

Such a client is allowed to claim and fail every job, as a worker is. These tests try everything else.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
from redis.exceptions import NoPermissionError

from pippin.api.jobs import Artifact, Job
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Status
from pippin.api.tokens import issue
from pippin.store import (
    Claim,
    Client,
    Store,
    StoreUnavailable,
    UnreadableRecord,
    WorkerReport,
    connect,
    keys,
    new_token,
)
from service.background.reaper import Reaper
from tests.support.paths import WORKER_ACL

OTHER = "team-b"
GARBAGE = 30_000


@pytest.fixture
def hostile(store: Store, valkey_url: str) -> Iterator[Client]:
    _, name, *rules = WORKER_ACL.read_text().split()
    store.redis.execute_command("ACL", "SETUSER", name, *rules, ">pw")
    store.scripts.load()
    with connect(f"redis://{name}:pw@127.0.0.1:{urlsplit(valkey_url).port}/0") as connection:
        yield connection
    store.redis.execute_command("ACL", "DELUSER", name)


@pytest.fixture
def reaper(store: Store) -> Reaper:
    """A reaper that acts from its first look on."""
    return Reaper(store, interval=60, grace=0, gap=1e9)


@pytest.fixture
def bystander(
    store: Store, ask: Callable[..., ResolvedRequest], trained: Callable[[Job], Artifact]
) -> Callable[[], None]:
    """Trains a job of another tenant to its end with a separate worker."""

    def train() -> None:
        job = store.jobs.submit(OTHER, ask(), spec={})
        held = Claim(OTHER, job.id, 1, new_token())
        store.attempts.claim(held, worker="mac-1", engine="jax")
        store.attempts.running(held)
        store.attempts.renew(held)
        store.attempts.succeed(held, trained(job))
        ended = store.jobs.get(OTHER, job.id)
        assert ended is not None
        assert ended.status is Status.SUCCEEDED

    return train


def lose(store: Store, job: Job) -> None:
    """Lets the lease of a claimed job run out now."""
    store.redis.zadd(keys.LEASES, {keys.member("default", job.id): int(store.now() * 1e6) - 1}, xx=True)


@dataclass(frozen=True)
class Bench:
    """A store with a hostile client, a reaper and an honest worker.

    Attributes:
        claimed: Submits a job and claims it.
    """

    store: Store
    hostile: Client
    reaper: Reaper
    claimed: Callable[[], Job]


@pytest.fixture
def bench(
    store: Store, hostile: Client, reaper: Reaper, submit: Callable[..., Job], claim: Callable[..., Claim]
) -> Bench:
    def claimed() -> Job:
        job = submit()
        claim(job)
        return job

    return Bench(store, hostile, reaper, claimed)


def status_of(store: Store, job: Job) -> Status:
    found = store.jobs.get("default", job.id)
    assert found is not None
    return found.status


@pytest.mark.parametrize("seconds_before", [1e9, 2])
def test_lost_job_is_found_among_forged_leases(bench: Bench, seconds_before: float) -> None:
    store, job = bench.store, bench.claimed()
    lose(store, job)
    members = [*(f"default/{n}" for n in range(GARBAGE)), "", "/", "default", "a/b/c", "x" * 1000, f"default/{job.id}x"]
    bench.hostile.zadd(keys.LEASES, dict.fromkeys(members, (store.now() - seconds_before) * 1e6))
    before = commands(store)
    looks = 0
    while status_of(store, job) is not Status.QUEUED:
        bench.reaper.run_once()
        looks += 1
        assert looks <= 5
    # Members that cannot be jobs do not cost a command each.
    assert commands(store) - before < 2_000
    while store.redis.zcard(keys.LEASES):
        bench.reaper.run_once()
    assert store.members.removed == len(members)


def test_leases_of_absent_jobs_are_removed(bench: Bench, submit: Callable[..., Job]) -> None:
    store, ended, job = bench.store, submit(), bench.claimed()
    store.jobs.cancel("default", ended.id)
    lose(store, job)
    absent = [f"team-c/job_{n:026d}" for n in range(500)]
    bench.hostile.zadd(keys.LEASES, dict.fromkeys([*absent, keys.member("default", ended.id)], 1))
    bench.reaper.run_once()
    assert status_of(store, job) is Status.QUEUED
    assert status_of(store, ended) is Status.CANCELLED
    assert store.redis.zcard(keys.LEASES) == 0


@pytest.mark.parametrize(
    ("key", "field", "value"),
    [
        ("job", "attempt", "many"),
        ("job", "losses", "NaN"),
        ("job", "spent", ""),
        ("job", "max_attempts", "[]"),
        ("job", "queue", "elsewhere"),
        ("job", "status", "poisoned"),
        ("attempts", "1:elapsed", "-"),
        ("attempts", "1:seen", "x"),
    ],
)
def test_damaged_record_of_a_lost_job_does_not_block_others(
    bench: Bench, bystander: Callable[[], None], key: str, field: str, value: str
) -> None:
    store, poisoned, job = bench.store, bench.claimed(), bench.claimed()
    bench.hostile.hset(getattr(keys.job("default", poisoned.id), key), field, value)
    for each in (poisoned, job):
        lose(store, each)
    bench.hostile.zadd(keys.LEASES, {keys.member("default", poisoned.id): 1}, xx=True)
    bench.reaper.run_once()
    assert status_of(store, job) is Status.QUEUED
    assert store.redis.zscore(keys.LEASES, keys.member("default", poisoned.id)) is None
    with suppress(UnreadableRecord):
        assert status_of(store, poisoned) in {Status.FAILED, Status.QUEUED}
    bystander()
    page = store.jobs.page("default")
    assert {each.id for each in page.items} | {each.id for each in page.unreadable} == {poisoned.id, job.id}


def test_forged_lease_end_is_limited_to_one_lease(bench: Bench) -> None:
    store, job = bench.store, bench.claimed()
    bench.hostile.zadd(keys.LEASES, {keys.member("default", job.id): 1e18, "default/nothing": 1e18})
    bench.reaper.run_once()
    ends = store.redis.zscore(keys.LEASES, keys.member("default", job.id))
    assert ends is not None
    assert float(str(ends)) <= store.now() * 1e6 + 21e6
    assert store.redis.zcard(keys.LEASES) == 1


def test_forged_index_entries_hide_no_job(
    store: Store, hostile: Client, reaper: Reaper, submit: Callable[..., Job]
) -> None:
    jobs = [submit() for _ in range(3)]
    strays = [f"default/{n}" for n in range(2000)]
    hostile.zadd(keys.QUEUED, dict.fromkeys(strays, 0))
    hostile.zadd(keys.jobs_by_status("default", "queued"), dict.fromkeys([*strays, "zzz", "job_x"], 0))
    reaper.run_once()
    assert store.redis.zcard(keys.QUEUED) == len(jobs)
    page = store.jobs.page("default", status=Status.QUEUED, limit=2)
    assert [each.id for each in page.items] == [jobs[2].id, jobs[1].id]


def test_malformed_events_are_skipped(store: Store, hostile: Client, submit: Callable[..., Job]) -> None:
    job = submit()
    stream = keys.job("default", job.id).events
    for fields in ({"x": "y"}, {"type": "state", "data": "{"}, {"type": "state", "data": '{"to":"x"}'}, {"data": "{}"}):
        hostile.xadd(stream, fields)  # type: ignore[arg-type]
    store.jobs.cancel("default", job.id)
    assert [event.data["to"] for event in store.events.all("default", job.id)] == ["queued", "cancelled"]


def test_forged_heartbeats_hide_no_worker(store: Store, hostile: Client, report: WorkerReport) -> None:
    now = store.now() * 1e6
    hostile.zadd(keys.WORKERS, {f"ghost-{n}": now - 1e6 for n in range(5000)} | {"future": 1e18, "broken": now})
    hostile.set(keys.worker("broken"), '{"name": 1}')
    store.workers.heartbeat(report)
    workers, unreadable = store.workers.listing()
    assert [worker.name for worker in workers] == [report.name]
    assert [each.id for each in unreadable] == ["worker broken"]


@pytest.mark.parametrize(
    "counter", [("lost:worker_lost", "many"), ("epochs:jax:3", "1e9"), ("epochs_seconds:jax", "nan")]
)
def test_malformed_counters_count_as_0(store: Store, counter: tuple[str, str], submit: Callable[..., Job]) -> None:
    submit()
    store.redis.hset(keys.counters("default"), *counter)
    overview = store.overviews.read()
    assert overview.losses.get("worker_lost", 0) == 0
    assert overview.epochs == {}


@pytest.mark.parametrize(
    "command",
    [
        "EVAL return(1) 0",
        "SCRIPT FLUSH",
        "SCRIPT LOAD return(1)",
        "FUNCTION FLUSH",
        "SCAN 0",
        "RANDOMKEY",
        "DBSIZE",
        "KEYS *",
        "CONFIG GET requirepass",
        "CONFIG SET maxmemory 1",
        "CLIENT KILL TYPE normal",
        "CLIENT PAUSE 100000",
        "INFO",
        "SUBSCRIBE x",
        "FLUSHDB",
        "SHUTDOWN",
        "DEL {job}",
        "UNLINK {job}",
        "EXPIRE {job} 1",
        "RENAME {job} {job}x",
        "SET {job} x",
        "SET {job}:spec x",
        "COPY {job} rq:x",
        "XTRIM {job}:events MAXLEN 0",
        "XDEL {job}:events 0-1",
        "LTRIM {job}:transitions 1 0",
        "DEL pippin:leases",
        "ZREMRANGEBYRANK pippin:leases 0 -1",
        "ZRANGE pippin:leases 0 -1",
        "DEL pippin:workers",
        "SADD pippin:tenants x",
        "ZADD pippin:default:jobs 0 x",
        "HSET pippin:default:counters x y",
        "HSET pippin:default:dataset:ds_1 record x",
        "HGET pippin:default:model:m record",
        "HGETALL pippin:tokens",
        "HGETALL pippin:tokens:hashes",
        "SMEMBERS pippin:tokens:roles",
        "GET pippin:session:x",
        "SET pippin:acting x",
        "GET pippin:default:quota:token_x:jobs",
        "SET elsewhere x",
    ],
)
def test_forbidden_command_is_refused(store: Store, hostile: Client, submit: Callable[..., Job], command: str) -> None:
    job = submit()
    parts = command.replace("{job}", keys.job("default", job.id).job).split()
    with pytest.raises((NoPermissionError, StoreUnavailable)):
        hostile.execute_command(*parts)
    assert status_of(store, job) is Status.QUEUED


def test_script_that_reads_tokens_is_refused(store: Store, hostile: Client) -> None:
    store.tokens.add(issue("admin", "ada"))
    with pytest.raises(NoPermissionError):
        hostile.eval("return redis.call('HGETALL', KEYS[1])", 1, keys.HASHES)
    returns_a_hash = store.redis.script_load("return redis.call('HGETALL', KEYS[1])")
    with pytest.raises(NoPermissionError):
        hostile.evalsha(returns_a_hash, 1, keys.HASHES)


def commands(store: Store) -> int:
    return int(store.redis.info("stats")["total_commands_processed"])  # type: ignore[index]


def test_reaper_loads_missing_scripts_for_workers(
    store: Store, hostile: Client, reaper: Reaper, submit: Callable[..., Job]
) -> None:
    job = submit()
    store.redis.script_flush()  # as after a restart of Redis
    mine, held = Store(hostile), Claim("default", job.id, 1, new_token())
    with pytest.raises(StoreUnavailable, match="start the service"):
        mine.attempts.claim(held, worker="w", engine="jax")
    reaper.run_once()
    mine.attempts.claim(held, worker="w", engine="jax")
