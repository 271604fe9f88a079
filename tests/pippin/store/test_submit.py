import json
import re

import pytest
import redis
from redis.client import Pipeline
from rq import Queue
from rq.serializers import JSONSerializer

from pippin.api.states import Status
from pippin.store import Idempotency, IdempotencyInFlight, IdempotencyMismatch, Store
from pippin.store.queues import FUNCTION, Queues
from tests.pippin.store.driver import QUEUE, TENANT, Driver, at_once
from tests.support.records import resolved_request

SPEC = {"layers": [], "epochs": {"default": 10}, "note": "é", "rate": 1e-08}
SENT, REPEATED, CHANGED = (Idempotency("key", "body"), Idempotency("key", "body"), Idempotency("key", "other"))


def test_new_job_is_queued_and_reads_back_as_submitted(store: Store) -> None:
    request = resolved_request(labels={"team": "vision"}, timeout_seconds=60.5)
    job = store.jobs.submit(TENANT, request, spec=SPEC)
    assert re.fullmatch(r"job_[0-9a-z]{26}", job.id)
    assert (job.status, job.request, job.labels) == (Status.QUEUED, request, {"team": "vision"})
    assert (job.progress.epoch, job.progress.epochs) == (0, 3)
    assert [(move.from_, move.to, move.at) for move in job.transitions] == [(None, Status.QUEUED, job.created_at)]
    assert (job.attempts, job.artifacts, job.latest_metrics, job.reason) == ([], [], None, None)
    assert store.jobs.get(TENANT, job.id) == job
    assert store.jobs.spec(TENANT, job.id) == SPEC
    assert store.jobs.get("another", job.id) is None


def test_first_event_of_a_job_is_queued(driver: Driver) -> None:
    (event,) = driver.events(driver.submit())
    assert event.type == "state"
    assert event.data == {"from": None, "to": "queued", "attempt": 1, "reason": None}


def test_rq_gets_a_json_job_that_never_times_out(driver: Driver, valkey_url: str) -> None:
    job = driver.submit()
    with redis.Redis.from_url(valkey_url) as raw:
        (carried,) = Queue(QUEUE, connection=raw, serializer=JSONSerializer).get_jobs()
        assert (carried.id, carried.func_name, carried.timeout) == (f"{job.id}-1", FUNCTION, -1)
        assert carried.args == [TENANT, job.id, 1]
        assert json.loads(carried.data)


def test_crash_before_the_commit_leaves_nothing(store: Store, driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    enqueue = Queues.enqueue

    def enqueue_and_crash(self: Queues, pipe: Pipeline, *args: object) -> None:
        enqueue(self, pipe, *args)
        raise KeyboardInterrupt

    monkeypatch.setattr(Queues, "enqueue", enqueue_and_crash)
    with pytest.raises(KeyboardInterrupt):
        driver.submit(idempotency=SENT)
    assert store.redis.keys("*") == []


def test_commit_with_a_lost_reply_is_not_repeated(
    store: Store, driver: Driver, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute = Pipeline.execute
    lost: list[bool] = []

    def execute_and_lose(self: Pipeline, raise_on_error: bool = True) -> list[object]:
        answer = execute(self, raise_on_error)
        if not lost and len(answer) > 5:
            lost.append(True)
            raise redis.WatchError("A ConnectionError occurred while watching one or more keys")
        return answer

    monkeypatch.setattr(Pipeline, "execute", execute_and_lose)
    job = driver.submit(idempotency=SENT)
    assert lost
    assert [listed.id for listed in store.jobs.page(TENANT, limit=10).items] == [job.id]
    assert driver.waiting() == [(job.id, 1)]
    assert len(driver.events(job)) == 1


def test_auto_job_goes_to_core_ml_only_with_a_live_core_ml_worker(driver: Driver) -> None:
    first = driver.submit(engine="auto")
    assert (first.engine, driver.waiting()) == (None, [(first.id, 1)])
    driver.heartbeat(engines=["coreml"])
    second = driver.submit(engine="auto")
    assert driver.waiting("pippin-coreml") == [(second.id, 1)]
    fixed = driver.submit(engine="jax")
    assert fixed.engine == "jax"
    neighbors = driver.submit(engine="auto", engines=["jax"])
    assert driver.waiting() == [(job.id, 1) for job in (first, fixed, neighbors)]


def test_queued_job_names_the_worker_it_waits_for(driver: Driver) -> None:
    jax, auto = driver.submit(engine="jax"), driver.submit(engine="auto")
    neighbors = driver.submit(engine="auto", engines=["jax"])
    no_jax = "No live worker has the jax engine; start one with `pippin worker`."
    no_worker = "No worker is alive; start one with `pippin worker`."
    assert [job.waiting_for for job in (jax, auto, neighbors)] == [no_jax, no_worker, no_jax]
    driver.heartbeat(engines=["coreml"])
    assert [driver.read(job).waiting_for for job in (jax, auto, neighbors)] == [no_jax, None, no_jax]
    driver.heartbeat(engines=["jax"])
    assert [driver.read(job).waiting_for for job in (jax, auto, neighbors)] == [None] * 3
    assert driver.submit(engine="coreml").waiting_for == (
        "No live worker has the coreml engine; start one on a Mac with `pippin worker --engine coreml`."
    )


def test_repeat_with_the_same_key_returns_the_first_job(store: Store, driver: Driver) -> None:
    first, again = (driver.submit(idempotency=sent) for sent in (SENT, REPEATED))
    elsewhere = Driver(store, "another").submit(idempotency=SENT)
    assert again.id == first.id != elsewhere.id
    assert len(store.jobs.page(TENANT).items) == 1


def test_same_key_with_another_body_is_refused(store: Store, driver: Driver) -> None:
    driver.submit(idempotency=SENT)
    with pytest.raises(IdempotencyMismatch):
        driver.submit(idempotency=CHANGED)
    assert len(store.jobs.page(TENANT).items) == 1


def test_concurrent_submits_with_one_key_make_one_job(driver: Driver) -> None:
    sent = [Idempotency("key", "body") for _ in range(16)]
    (job_id,) = {job.id for job in at_once(lambda each: driver.submit(idempotency=each), sent)}
    assert driver.waiting() == [(job_id, 1)]


def test_repeat_during_the_first_request_is_refused_as_in_flight(store: Store, driver: Driver) -> None:
    for _ in range(2):
        assert store.idempotency.begin(TENANT, SENT) is None
    with pytest.raises(IdempotencyInFlight):
        store.idempotency.begin(TENANT, REPEATED)
    with pytest.raises(IdempotencyInFlight):
        driver.submit(idempotency=REPEATED)
    with pytest.raises(IdempotencyMismatch):
        store.idempotency.begin(TENANT, CHANGED)
    job = driver.submit(idempotency=SENT)
    assert store.idempotency.begin(TENANT, REPEATED) == job.id


def test_abandoned_request_frees_its_key(store: Store) -> None:
    store.idempotency.begin(TENANT, SENT)
    store.idempotency.abandon(TENANT, CHANGED)
    with pytest.raises(IdempotencyMismatch):
        store.idempotency.begin(TENANT, CHANGED)
    store.idempotency.abandon(TENANT, SENT)
    assert store.idempotency.begin(TENANT, CHANGED) is None


def test_key_of_a_submitted_job_is_not_freed(store: Store, driver: Driver) -> None:
    job = driver.submit(idempotency=SENT)
    store.idempotency.abandon(TENANT, SENT)
    assert store.idempotency.begin(TENANT, REPEATED) == job.id


def test_keys_are_kept_for_a_day_and_markers_for_a_minute(store: Store, driver: Driver) -> None:
    store.idempotency.begin(TENANT, SENT)
    (marker,) = store.redis.keys("*idempotency*")
    assert 0 < store.redis.ttl(marker) <= 60
    store.redis.delete(marker)
    driver.submit(idempotency=SENT)
    (key,) = store.redis.keys("*idempotency*")
    assert 86_000 < store.redis.ttl(key) <= 86_400
