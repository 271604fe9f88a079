import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import redis
from redis.client import Pipeline
from rq import Queue
from rq.serializers import JSONSerializer

from pippin.api.requests import ResolvedRequest
from pippin.api.states import Status
from pippin.store import Idempotency, IdempotencyInFlight, IdempotencyMismatch, Store, WorkerReport
from pippin.store.queues import FUNCTION, Queues

TENANT = "default"
Ask = Callable[..., ResolvedRequest]
SPEC = {"layers": [], "epochs": {"default": 10}, "note": "é", "rate": 1e-08}


def test_new_job_is_queued_and_reads_back_as_submitted(store: Store, ask: Ask) -> None:
    request = ask(labels={"team": "vision"}, timeout_seconds=60.5)
    job = store.jobs.submit(TENANT, request, spec=SPEC)
    assert re.fullmatch(r"job_[0-9a-z]{26}", job.id)
    assert job.status is Status.QUEUED
    assert job.request == request
    assert job.labels == {"team": "vision"}
    assert (job.progress.epoch, job.progress.epochs) == (0, 3)
    assert [(move.from_, move.to) for move in job.transitions] == [(None, Status.QUEUED)]
    assert job.created_at == job.transitions[0].at
    assert (job.attempts, job.artifacts, job.latest_metrics, job.reason) == ([], [], None, None)
    assert store.jobs.get(TENANT, job.id) == job
    assert store.jobs.spec(TENANT, job.id) == SPEC
    assert store.jobs.get("another", job.id) is None


def test_first_event_of_a_job_is_queued(store: Store, ask: Ask) -> None:
    job = store.jobs.submit(TENANT, ask(), spec=SPEC)
    (event,) = store.events.read(TENANT, job.id)
    assert event.type == "state"
    assert event.data == {"from": None, "to": "queued", "attempt": 1, "reason": None}


def test_rq_gets_a_json_job_that_never_times_out(store: Store, ask: Ask, valkey_url: str) -> None:
    job = store.jobs.submit(TENANT, ask(), spec=SPEC)
    with redis.Redis.from_url(valkey_url) as raw:
        queue = Queue("pippin-jax", connection=raw, serializer=JSONSerializer)
        (carried,) = queue.get_jobs()
        assert carried.id == f"{job.id}-1"
        assert carried.func_name == FUNCTION
        assert carried.args == [TENANT, job.id, 1]
        assert carried.timeout == -1
        assert json.loads(carried.data)


def test_a_crash_before_the_commit_leaves_nothing(store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue = Queues.enqueue

    def enqueue_and_die(self: Queues, pipe: Pipeline, *args: object) -> None:
        enqueue(self, pipe, *args)  # type: ignore[arg-type]  # passed on as received
        raise KeyboardInterrupt

    monkeypatch.setattr(Queues, "enqueue", enqueue_and_die)
    with pytest.raises(KeyboardInterrupt):
        store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=Idempotency("key", "body"))
    assert store.redis.keys("*") == []


def test_commit_with_a_lost_reply_is_not_repeated(store: Store, ask: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    execute = Pipeline.execute
    lost: list[Any] = []

    def execute_and_lose(self: Pipeline, raise_on_error: bool = True) -> list[object]:
        answer = execute(self, raise_on_error)
        if not lost and len(answer) > 5:
            lost.append(True)
            raise redis.WatchError("A ConnectionError occurred while watching one or more keys")
        return answer

    monkeypatch.setattr(Pipeline, "execute", execute_and_lose)
    job = store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=Idempotency("key", "body"))
    assert lost
    assert [found.id for found in store.jobs.page(TENANT, limit=10).items] == [job.id]
    assert store.queues.waiting("pippin-jax") == [(job.id, 1)]
    assert len(store.events.read(TENANT, job.id)) == 1


def test_auto_job_goes_to_core_ml_only_with_a_live_core_ml_worker(store: Store, ask: Ask, report: WorkerReport) -> None:
    first = store.jobs.submit(TENANT, ask(engine="auto"), spec=SPEC)
    assert first.engine is None
    assert store.queues.waiting("pippin-jax") == [(first.id, 1)]
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    second = store.jobs.submit(TENANT, ask(engine="auto"), spec=SPEC)
    assert store.queues.waiting("pippin-coreml") == [(second.id, 1)]
    asked = store.jobs.submit(TENANT, ask(engine="jax"), spec=SPEC)
    assert asked.engine == "jax"
    neighbors = store.jobs.submit(TENANT, ask(engine="auto", engines=["jax"]), spec=SPEC)
    assert store.queues.waiting("pippin-jax") == [(first.id, 1), (asked.id, 1), (neighbors.id, 1)]


def test_queued_job_names_the_worker_it_waits_for(store: Store, ask: Ask, report: WorkerReport) -> None:
    jax = store.jobs.submit(TENANT, ask(engine="jax"), spec=SPEC)
    auto = store.jobs.submit(TENANT, ask(engine="auto"), spec=SPEC)
    assert jax.waiting_for == "No live worker has the jax engine; start one with `pippin worker`."
    assert auto.waiting_for == "No worker is alive; start one with `pippin worker`."
    neighbors = store.jobs.submit(TENANT, ask(engine="auto", engines=["jax"]), spec=SPEC)
    assert neighbors.waiting_for == jax.waiting_for
    store.workers.heartbeat(report.model_copy(update={"engines": ["coreml"]}))
    assert _waiting(store) == [jax.waiting_for, None, jax.waiting_for]
    store.workers.heartbeat(report.model_copy(update={"engines": ["jax"]}))
    assert _waiting(store) == [None, None, None]
    coreml = store.jobs.submit(TENANT, ask(engine="coreml"), spec=SPEC)
    assert coreml.waiting_for == (
        "No live worker has the coreml engine; start one on a Mac with `pippin worker --engine coreml`."
    )


def _waiting(store: Store) -> list[str | None]:
    return [job.waiting_for for job in store.jobs.page(TENANT).items]


def test_a_repeat_with_the_same_key_returns_the_first_job(store: Store, ask: Ask) -> None:
    first = store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=Idempotency("key", "body"))
    again = store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=Idempotency("key", "body"))
    elsewhere = store.jobs.submit("another", ask(), spec=SPEC, idempotency=Idempotency("key", "body"))
    assert again.id == first.id != elsewhere.id
    assert len(store.jobs.page(TENANT).items) == 1


def test_the_same_key_with_another_body_is_refused(store: Store, ask: Ask) -> None:
    store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=Idempotency("key", "body"))
    with pytest.raises(IdempotencyMismatch):
        store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=Idempotency("key", "other"))
    assert len(store.jobs.page(TENANT).items) == 1


def test_concurrent_submits_with_one_key_make_one_job(store: Store, ask: Ask) -> None:
    def send(_: int) -> str:
        return store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=Idempotency("key", "body")).id

    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(send, range(24)))
    assert len(made) == 1
    assert store.queues.waiting("pippin-jax") == [(made.pop(), 1)]


def test_repeat_during_the_first_request_is_refused_as_in_flight(store: Store, ask: Ask) -> None:
    first, second = Idempotency("key", "body"), Idempotency("key", "body")
    assert store.idempotency.begin(TENANT, first) is None
    assert store.idempotency.begin(TENANT, first) is None
    with pytest.raises(IdempotencyInFlight):
        store.idempotency.begin(TENANT, second)
    with pytest.raises(IdempotencyInFlight):
        store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=second)
    with pytest.raises(IdempotencyMismatch):
        store.idempotency.begin(TENANT, Idempotency("key", "other"))
    job = store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=first)
    assert store.idempotency.begin(TENANT, second) == job.id


def test_abandoned_request_frees_its_key(store: Store) -> None:
    first, other = Idempotency("key", "body"), Idempotency("key", "corrected")
    store.idempotency.begin(TENANT, first)
    store.idempotency.abandon(TENANT, other)
    with pytest.raises(IdempotencyMismatch):
        store.idempotency.begin(TENANT, other)
    store.idempotency.abandon(TENANT, first)
    assert store.idempotency.begin(TENANT, other) is None


def test_key_of_a_submitted_job_is_not_freed(store: Store, ask: Ask) -> None:
    sent = Idempotency("key", "body")
    job = store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=sent)
    store.idempotency.abandon(TENANT, sent)
    assert store.idempotency.begin(TENANT, Idempotency("key", "body")) == job.id


def test_keys_are_kept_for_a_day_and_markers_for_a_minute(store: Store, ask: Ask) -> None:
    store.idempotency.begin(TENANT, Idempotency("marked", "body"))
    (marker,) = store.redis.keys("*idempotency*")
    assert 0 < store.redis.ttl(marker) <= 60
    store.redis.delete(marker)
    store.jobs.submit(TENANT, ask(), spec=SPEC, idempotency=Idempotency("used", "body"))
    (key,) = store.redis.keys("*idempotency*")
    assert 86_000 < store.redis.ttl(key) <= 86_400
