"""The worker's use of RQ, on real queues with valid, damaged and forged records."""

import itertools
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from redis.utils import str_if_bytes
from rq import Queue, Worker
from rq.job import Job as RqJob
from rq.suspension import suspend

from pippin.api.workers import Drain, WorkerReport
from pippin.local.valkey import EmbeddedValkey
from pippin.store import FUNCTION, QUEUES
from tests.support.waiting import wait_for
from tests.worker.conftest import Bench, Start
from worker.parent.rq_worker import AttemptRef, AttemptWorker
from worker.parent.shutdown import Draining

QUEUE = QUEUES["jax"]
Drained = Callable[..., list[AttemptRef]]


@pytest.fixture
def connection(valkey_url: str) -> Iterator[Redis]:
    opened = Redis.from_url(valkey_url, socket_timeout=5, retry=Retry(NoBackoff(), 0))
    yield opened
    opened.close()


@pytest.fixture
def queue(connection: Redis) -> Queue:
    return Queue(QUEUE, connection=connection, serializer="json")


def _rq_keys(connection: Redis) -> set[str]:
    """RQ's keys, without its lists of queues and workers and its records of workers."""
    lists = {"rq:queues", "rq:workers", f"rq:workers:{QUEUE}"}
    found = {str_if_bytes(key) for key in connection.keys("rq:*")} - lists
    return {key for key in found if not key.startswith("rq:worker:")}


@pytest.fixture
def drain(connection: Redis) -> Drained:
    """Runs a worker until the queue is empty, or for `stop_after` attempts; returns the attempts."""

    def work(stop_after: int | None = None) -> list[AttemptRef]:
        taken: list[AttemptRef] = []

        def handle(attempt: AttemptRef, forget: Callable[[], None]) -> None:
            taken.append(attempt)
            forget()

        def stopping() -> bool:
            return len(taken) == stop_after or (stop_after is None and not connection.llen(f"rq:queue:{QUEUE}"))

        worker = AttemptWorker(QUEUE, name="bench-1", connection=connection, handle=handle, stopping=stopping)
        worker.work(logging_level=None)
        return taken

    return work


def test_taken_attempt_leaves_no_rq_keys(bench: Bench, connection: Redis, drain: Drained) -> None:
    job = bench.submit()
    assert drain(1) == [AttemptRef("default", job.id, 1)]
    assert _rq_keys(connection) == set()


# Each is a job that RQ's own worker would run, or fail on and then run its callback.
_FORGED: dict[str, dict[str, Any]] = {
    "a function of the standard library": {"func": "os.mkdir", "args": ["PROOF"]},
    "our function with other arguments": {"func": FUNCTION, "args": ["default"], "job_id": "job_1-1"},
    "an attempt that is no number": {"func": FUNCTION, "args": ["default", "job_1", "1"], "job_id": "job_1-1"},
    "an attempt that is a bool": {"func": FUNCTION, "args": ["default", "job_1", True], "job_id": "job_1-1"},
    "keyword arguments": {
        "func": FUNCTION,
        "args": ["default", "job_1", 1],
        "kwargs": {"more": 1},
        "job_id": "job_1-1",
    },
    "another id than its attempt's": {"func": FUNCTION, "args": ["default", "job_1", 1], "job_id": "other-1"},
    "a tenant that would be another key": {"func": FUNCTION, "args": ["a:b", "job_1", 1], "job_id": "job_1-1"},
}


@pytest.mark.parametrize("forged", _FORGED.values(), ids=_FORGED.keys())
def test_forged_job_is_refused_and_its_callbacks_do_not_run(
    forged: dict[str, Any],
    queue: Queue,
    connection: Redis,
    drain: Drained,
    tmp_path: Path,
) -> None:
    proof = tmp_path / "proof"
    if forged["args"] == ["PROOF"]:
        forged = {**forged, "args": [str(proof)]}
    job = queue.enqueue_call(timeout=-1, **forged)
    callbacks = ("failure_callback_name", "success_callback_name", "stopped_callback_name")
    connection.hset(job.key, mapping=dict.fromkeys(callbacks, "os.mkdir"))
    assert drain() == []
    assert not proof.exists()
    assert _rq_keys(connection) == set()


@pytest.mark.full
def test_worker_process_logs_a_refused_job_and_trains_the_next(
    bench: Bench, queue: Queue, start: Start, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    forged = queue.enqueue_call("os.mkdir", args=[str(proof), "x" * 100_000], timeout=-1)
    job = bench.submit()
    worker = start()
    wait_for(lambda: bench.job(job).status.is_final)
    assert bench.job(job).status == "succeeded"
    assert not proof.exists()
    (entry,) = [line for line in map(json.loads, worker.log.splitlines()) if line["event"] == "refused a forged job"]
    assert (entry["level"], entry["rq_job"]) == ("warning", forged.id)
    assert "os.mkdir" in entry["why"]
    assert len(entry["why"]) < 1_000
    assert worker.stop() == 0


def test_job_with_an_instance_method_is_refused(queue: Queue, connection: Redis, drain: Drained) -> None:
    job = RqJob.create(FUNCTION, args=["default", "job_1", 1], id="job_1-1", connection=connection, serializer="json")
    job.data = json.dumps([FUNCTION, "an instance", ["default", "job_1", 1], {}]).encode()
    queue.enqueue_job(job)
    assert drain() == []
    assert _rq_keys(connection) == set()


@pytest.mark.parametrize(
    "record",
    [{"data": b"\x80\x04no json"}, {"data": b"[]", "created_at": "yesterday"}, {"data": b"[]", "status": "odd"}, {}],
    ids=["pickle", "no date", "no status", "nothing"],
)
def test_unreadable_record_is_dropped_and_the_next_job_taken(
    record: dict[str, Any],
    bench: Bench,
    queue: Queue,
    connection: Redis,
    drain: Drained,
) -> None:
    if record:
        connection.hset(RqJob.key_for("broken"), mapping=record)
    connection.lpush(queue.key, "broken")
    job = bench.submit()
    assert drain(1) == [AttemptRef("default", job.id, 1)]
    assert _rq_keys(connection) == set()


def _assert_popped_job_returns_to_the_front(bench: Bench, queue: Queue, stopping: Callable[[], bool]) -> None:
    def handle(*_: object) -> None:
        pytest.fail("no attempt may begin any more")

    jobs = [bench.submit(), bench.submit()]
    connection = queue.connection
    AttemptWorker(QUEUE, name="bench-1", connection=connection, handle=handle, stopping=stopping).work()
    assert queue.get_job_ids() == [f"{job.id}-1" for job in jobs]
    assert connection.llen(queue.intermediate_queue_key) == 0


def test_job_popped_during_a_stop_returns_to_the_front(bench: Bench, queue: Queue) -> None:
    # Asked once before the pop, then after it.
    answers = itertools.chain([False], itertools.repeat(True))
    _assert_popped_job_returns_to_the_front(bench, queue, lambda: next(answers))


def test_job_popped_during_a_drain_returns_to_the_front(bench: Bench, queue: Queue, bench_report: WorkerReport) -> None:
    workers = bench.store.workers
    workers.heartbeat(bench_report)
    draining = Draining(workers, bench_report.name)

    def stopping() -> bool:
        begun = draining.begun()
        # The drain begins after the last check before the pop.
        workers.drain(bench_report.name, Drain.FINISH)
        return begun

    _assert_popped_job_returns_to_the_front(bench, queue, stopping)


def test_rq_suspend_does_not_stop_a_worker(bench: Bench, connection: Redis, drain: Drained) -> None:
    suspend(connection)
    job = bench.submit()
    assert drain(1) == [AttemptRef("default", job.id, 1)]


def test_rq_maintenance_fails_no_job_of_a_dead_worker(
    bench: Bench, connection: Redis, queue: Queue, drain: Drained
) -> None:
    # The state after a worker died between the pop and the claim: RQ's own maintenance would fail the job.
    stray, job = bench.submit(), bench.submit()
    connection.lmove(queue.key, queue.intermediate_queue_key)
    connection.set(f"{queue.intermediate_queue_key}:first_seen:{stray.id}-1", "0")
    assert drain(1) == [AttemptRef("default", job.id, 1)]
    assert connection.hget(RqJob.key_for(f"{stray.id}-1"), "status") == b"queued"


def test_an_idle_worker_survives_an_outage(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path / "home") as server:
        connection = Redis.from_url(server.url, socket_timeout=5, retry=Retry(NoBackoff(), 0))
        taken = threading.Event()

        def handle(_: AttemptRef, forget: Callable[[], None]) -> None:
            forget()
            taken.set()

        worker = AttemptWorker(QUEUE, name="bench-1", connection=connection, handle=handle, stopping=taken.is_set)
        thread = threading.Thread(target=worker.work)
        thread.start()
        try:
            wait_for(lambda: Worker.count(connection=connection) == 1)
            server.stop()
            server.start()
            queue = Queue(QUEUE, connection=connection, serializer="json")
            queue.enqueue_call(FUNCTION, args=["default", "job_1", 1], job_id="job_1-1", timeout=-1)
            assert taken.wait(30)
        finally:
            taken.set()
            thread.join()
            connection.close()
