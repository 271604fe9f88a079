import time
from collections.abc import Callable, Iterable

import httpx2
import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from pippin.api.jobs import Failure
from pippin.api.states import Reason
from pippin.store import Store
from tests.service.conftest import MakeService, MakeTrainer, Submit
from tests.support.records import worker_report
from tests.support.waiting import wait_for

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
    assert [value("pippin_queue_jobs", engine=engine) for engine in ("jax", "coreml")] == [2, 0]
    assert [value("pippin_jobs", status=status) for status in ("queued", "failed")] == [2, 0]
    age = value("pippin_queue_oldest_age_seconds")
    assert age is not None
    assert 0 < age < 3600


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


def test_epoch_duration_is_counted_once_by_engine(http: httpx2.Client, start_job: MakeTrainer) -> None:
    attempt = start_job()
    attempt.epoch(1)
    attempt.epoch(1)
    attempt.epoch(2)
    value = scrape(http)
    name = "pippin_epoch_duration_seconds"
    assert (value(f"{name}_count", engine="jax"), value(f"{name}_sum", engine="jax")) == (2, 0.25)
    assert [value(f"{name}_bucket", engine="jax", le=bound) for bound in ("0.1", "0.25", "+Inf")] == [0, 2, 2]
    assert value(f"{name}_count", engine="coreml") == 0


def test_lost_attempt_is_counted_once_by_reason(http: httpx2.Client, start_job: MakeTrainer, store: Store) -> None:
    assert scrape(http)("pippin_attempts_lost_total", reason="worker_lost") == 0
    attempt = start_job()
    failure = Failure(code=Reason.OUT_OF_MEMORY, detail="It was too much.")
    store.reaping.report_lost(attempt.claim, failure)
    store.reaping.report_lost(attempt.claim, failure)
    value = scrape(http)
    assert [value("pippin_attempts_lost_total", reason=why) for why in ("out_of_memory", "worker_lost")] == [1, 0]


def test_workers_by_engine_and_state(http: httpx2.Client, store: Store) -> None:
    for name, state in (("one", "busy"), ("two", "busy"), ("three", "idle")):
        store.workers.heartbeat(worker_report(name=name, state=state))
    value = scrape(http)
    numbers = [value("pippin_workers", engine="jax", state=state) for state in ("busy", "idle")]
    assert [*numbers, value("pippin_workers", engine="coreml", state="busy")] == [2, 1, 0]


def test_requests_are_labelled_by_route_template(http: httpx2.Client, submit: Submit) -> None:
    job = submit()["id"]
    total = "pippin_http_requests_total"
    before = scrape(http)(total, method="GET", route="/jobs/{job_id}", status="200") or 0
    for address in (f"/jobs/{job}", "/jobs/job_none", "/nowhere/at/all", "/docs/assets/swagger-ui.css", "/docs"):
        http.get(address)
    http.request("BREW", "/jobs")
    text = http.get("/metrics").text
    value = scrape(http)
    assert value(total, method="GET", route="/jobs/{job_id}", status="200") == before + 1
    assert value(total, method="GET", route="unmatched", status="404")
    assert value(total, method="GET", route="/docs/assets", status="200")
    assert value(total, method="other", route="/jobs", status="405")
    timed = value("pippin_http_request_duration_seconds_count", method="GET", route="/jobs/{job_id}")
    assert timed is not None
    assert timed >= 2
    assert [part for part in (job, "job_none", "nowhere", "swagger", "BREW") if part in text] == []


def test_stream_clients_and_sent_events_are_counted(http: httpx2.Client, start_job: MakeTrainer) -> None:
    attempt = start_job()
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


def test_only_one_service_counts_the_blobs(make_service: MakeService) -> None:
    service = make_service(sample=False)
    store = service.services.store
    with service.client() as http:
        wait_for(lambda: scrape(http)("pippin_blobs") is not None, "the service has counted the blobs")
        # No service counts the blobs again within a quarter of an hour.
        assert not store.blob_stats.try_acquire(900)
        store.blob_stats.record(2, 1234)
        value = scrape(http)
        assert (value("pippin_blobs"), value("pippin_blob_bytes")) == (2, 1234)
        counted_at = value("pippin_blob_count_timestamp_seconds")
        assert counted_at is not None
        assert abs(counted_at - time.time()) < 3600


def test_redis_memory_and_reaper_activity_are_exported(http: httpx2.Client) -> None:
    wait_for(lambda: scrape(http)("pippin_reaper_last_look_timestamp_seconds"), "the reaper looks")
    value = scrape(http)
    assert value("pippin_redis_up") == 1
    filled = value("pippin_redis_memory_bytes")
    assert filled
    assert value("pippin_redis_memory_limit_bytes") == 2**30
    assert value("pippin_redis_memory_fullness_ratio") == pytest.approx(filled / 2**30)
    assert value("pippin_reaper_actions_total", action="requeued") is not None


def test_redis_up_is_0_without_redis(make_service: MakeService) -> None:
    service = make_service(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    with service.client() as http:
        value = scrape(http)
        assert (value("pippin_redis_up"), value("pippin_stream_clients")) == (0, 0)
        assert value("pippin_jobs", status="queued") is None


def test_openmetrics_format_on_request(http: httpx2.Client) -> None:
    answer = http.get("/metrics", headers={"accept": "application/openmetrics-text; version=1.0.0"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    parse: Callable[[str], Iterable[Metric]] = openmetrics
    names = {family.name for family in parse(answer.text)}
    assert {"pippin_attempts_lost", "pippin_epoch_duration_seconds", "pippin_workers"} <= names
