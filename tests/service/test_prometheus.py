import time
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from pippin.api.jobs import Failure
from pippin.api.states import Reason
from pippin.api.workers import WorkerReport
from pippin.store import Store
from tests.support.waiting import wait_for

Submit = Callable[..., dict[str, Any]]
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scrape(http: httpx2.Client) -> Callable[..., float | None]:
    answer = http.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    values_by_sample = samples(answer.text)
    return lambda name, **labels: values_by_sample.get((name, frozenset(labels.items())))


def test_queue_length_and_oldest_age(http: httpx2.Client, submit: Submit) -> None:
    assert scrape(http)("pippin_queue_oldest_age_seconds") == 0
    submit()
    submit()
    value = scrape(http)
    assert value("pippin_queue_jobs", engine="jax") == 2
    assert value("pippin_queue_jobs", engine="coreml") == 0
    assert value("pippin_jobs", status="queued") == 2
    assert value("pippin_jobs", status="failed") == 0
    age = value("pippin_queue_oldest_age_seconds")
    assert age is not None
    assert 0 < age < 60


def test_scrape_changes_nothing_in_redis(http: httpx2.Client, submit: Submit, store: Store) -> None:
    submit()
    scrape(http)

    def whole() -> dict[str, bytes]:
        # The background tasks write meanwhile.
        duties = ("pippin:acting", "pippin:blobs:")
        names = {key for key in map(str, store.redis.keys("*")) if not key.startswith(duties)}
        return {name: store.redis.execute_command("DUMP", name, NEVER_DECODE=True) for name in names}

    before = whole()
    scrape(http)
    assert whole() == before


def test_epoch_duration_is_counted_once_by_engine(
    http: httpx2.Client, submit: Submit, trainer: Callable[..., Any]
) -> None:
    attempt = trainer(submit()["id"])
    attempt.begin()
    attempt.epoch(1)
    attempt.epoch(1)
    attempt.epoch(2)
    value = scrape(http)
    assert value("pippin_epoch_duration_seconds_count", engine="jax") == 2
    assert value("pippin_epoch_duration_seconds_sum", engine="jax") == 0.25
    assert value("pippin_epoch_duration_seconds_bucket", engine="jax", le="0.1") == 0
    assert value("pippin_epoch_duration_seconds_bucket", engine="jax", le="0.25") == 2
    assert value("pippin_epoch_duration_seconds_bucket", engine="jax", le="+Inf") == 2
    assert value("pippin_epoch_duration_seconds_count", engine="coreml") == 0


def test_lost_attempt_is_counted_once_by_reason(
    http: httpx2.Client, submit: Submit, trainer: Callable[..., Any], store: Store
) -> None:
    assert scrape(http)("pippin_attempts_lost_total", reason="worker_lost") == 0
    attempt = trainer(submit()["id"])
    attempt.begin()
    failure = Failure(code=Reason.OUT_OF_MEMORY, detail="It was too much.")
    store.reaping.report_lost(attempt.claim, failure)
    store.reaping.report_lost(attempt.claim, failure)
    value = scrape(http)
    assert value("pippin_attempts_lost_total", reason="out_of_memory") == 1
    assert value("pippin_attempts_lost_total", reason="worker_lost") == 0


def test_workers_by_engine_and_state(http: httpx2.Client, store: Store) -> None:
    for name, state in (("one", "busy"), ("two", "busy"), ("three", "idle")):
        report = {"name": name, "host": "h", "os": "o", "chip": "c", "engines": ["jax"], "state": state, "pid": 1}
        store.workers.heartbeat(
            WorkerReport.model_validate(report | {"current_job": None, "started_at": "2026-11-24T10:00:00Z"})
        )
    value = scrape(http)
    assert value("pippin_workers", engine="jax", state="busy") == 2
    assert value("pippin_workers", engine="jax", state="idle") == 1
    assert value("pippin_workers", engine="coreml", state="busy") == 0


def test_requests_are_labelled_by_route_template(http: httpx2.Client, submit: Submit) -> None:
    job = submit()["id"]
    before = scrape(http)("pippin_http_requests_total", method="GET", route="/jobs/{job_id}", status="200") or 0
    for address in (f"/jobs/{job}", "/jobs/job_none", "/nowhere/at/all", "/docs/assets/swagger-ui.css", "/docs"):
        http.get(address)
    http.request("BREW", "/jobs")
    text = http.get("/metrics").text
    value = scrape(http)
    assert value("pippin_http_requests_total", method="GET", route="/jobs/{job_id}", status="200") == before + 1
    assert value("pippin_http_requests_total", method="GET", route="unmatched", status="404")
    assert value("pippin_http_requests_total", method="GET", route="/docs/assets", status="200")
    assert value("pippin_http_requests_total", method="other", route="/jobs", status="405")
    count = value("pippin_http_request_duration_seconds_count", method="GET", route="/jobs/{job_id}")
    assert count is not None
    assert count >= 2
    for identity in (job, "job_none", "nowhere", "swagger", "BREW"):
        assert identity not in text


def test_stream_clients_and_sent_events_are_counted(
    http: httpx2.Client, submit: Submit, trainer: Callable[..., Any]
) -> None:
    attempt = trainer(submit()["id"])
    attempt.begin()
    before = scrape(http)("pippin_events_sent_total") or 0
    with http.stream("GET", f"/jobs/{attempt.job_id}/metrics", headers={"accept": "text/event-stream"}) as stream:
        lines = stream.iter_lines()
        next(lines)
        assert scrape(http)("pippin_stream_clients") == 1
        attempt.epoch(1)
        while not next(lines).startswith("event: epoch"):
            pass
        assert (scrape(http)("pippin_events_sent_total") or 0) == before + 1
    wait_for(lambda: scrape(http)("pippin_stream_clients") == 0, "the client is gone")


def test_only_one_service_counts_the_blobs(make_service: Callable[..., Any]) -> None:
    service = make_service()
    store = service.server.config.app.state.services.store
    with httpx2.Client(base_url=service.url, timeout=60) as http:
        deadline = time.monotonic() + 20
        while scrape(http)("pippin_blobs") is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        # No service counts the blobs again within a quarter of an hour.
        assert not store.blob_stats.try_acquire(900)
        store.blob_stats.record(2, 1234)
        value = scrape(http)
        assert (value("pippin_blobs"), value("pippin_blob_bytes")) == (2, 1234)
        counted = value("pippin_blob_count_timestamp_seconds")
        assert counted is not None
        assert abs(counted - time.time()) < 3600


def test_redis_memory_and_reaper_activity_are_exported(http: httpx2.Client) -> None:
    wait_for(lambda: scrape(http)("pippin_reaper_last_look_timestamp_seconds"), "the reaper looks")
    value = scrape(http)
    assert value("pippin_redis_up") == 1
    filled, limit = value("pippin_redis_memory_bytes"), value("pippin_redis_memory_limit_bytes")
    assert filled
    assert limit == 2**30
    assert value("pippin_redis_memory_fullness_ratio") == pytest.approx(filled / limit)
    assert value("pippin_reaper_actions_total", action="requeued") is not None


def test_redis_up_is_0_without_redis(make_service: Callable[..., Any]) -> None:
    service = make_service(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    with httpx2.Client(base_url=service.url, timeout=60) as http:
        value = scrape(http)
        assert value("pippin_redis_up") == 0
        assert value("pippin_jobs", status="queued") is None
        assert value("pippin_stream_clients") == 0


def test_openmetrics_format_on_request(http: httpx2.Client) -> None:
    answer = http.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in openmetrics(answer.text)}
    assert {"pippin_attempts_lost", "pippin_epoch_duration_seconds", "pippin_workers"} <= names
