"""Unreadable records: how they are reported, and that the other records still work."""

import json
from typing import Any

import httpx2
import pytest

from pippin.client import Client
from pippin.store import Store, keys
from pippin.store.versions import FIELD
from tests.service.conftest import Submit
from tests.support.problems import is_problem


@pytest.fixture
def newer_and_readable(submit: Submit, store: Store) -> tuple[str, str]:
    """The ids of a job record of a newer major version, and of a readable one."""
    bad, good = submit()["id"], submit()["id"]
    store.redis.hset(keys.job("default", bad).job, FIELD, "2.0")
    return bad, good


def test_job_list_names_unreadable_records(http: httpx2.Client, newer_and_readable: tuple[str, str]) -> None:
    bad, good = newer_and_readable
    page = http.get("/jobs").json()
    assert [job["id"] for job in page["data"]] == [good]
    (entry,) = page["unreadable"]
    assert entry["id"] == bad
    assert entry["detail"] == (
        f"the record {bad} has version 2.0 and was written by a newer Pippin; this one reads versions up to 1.x: "
        "upgrade this Pippin, or delete the record"
    )


def test_unreadable_job_is_a_500_with_advice(http: httpx2.Client, newer_and_readable: tuple[str, str]) -> None:
    bad, _ = newer_and_readable
    for path in ("", "/metrics", "/events", "/checkpoints"):
        problem = is_problem(http.get(f"/jobs/{bad}{path}"), 500, "unreadable-record")
        assert "upgrade this Pippin, or delete the record." in problem["detail"]
    assert http.delete(f"/jobs/{bad}").status_code == 204
    assert http.get("/jobs").json()["unreadable"] == []
    assert http.get(f"/jobs/{bad}").status_code == 404


@pytest.mark.usefixtures("newer_and_readable")
def test_metrics_work_despite_an_unreadable_job(http: httpx2.Client) -> None:
    http.get("/jobs")
    text = http.get("/metrics").text
    assert 'pippin_jobs{status="queued"} 2.0' in text
    assert "pippin_unreadable_records" in text
    assert http.get("/readyz").status_code == 200


@pytest.mark.parametrize("by", ["id", "name"])
def test_an_unreadable_dataset_is_named_in_the_list_and_can_be_deleted(
    http: httpx2.Client, tiny: dict[str, Any], store: Store, by: str
) -> None:
    key = keys.record("default", "dataset", tiny["id"])
    record = json.loads(str(store.redis.hget(key, "record")))
    store.redis.hset(key, "record", json.dumps(record | {"format": "parquet"}))
    page = http.get("/datasets").json()
    assert [entry["id"] for entry in page["unreadable"]] == [tiny["id"]]
    assert tiny["id"] not in {each["id"] for each in page["data"]}
    is_problem(http.get(f"/datasets/{tiny['name']}"), 500, "unreadable-record")
    assert http.delete(f"/datasets/{tiny[by]}").status_code == 204
    assert http.get("/datasets").json()["unreadable"] == []


def test_an_unreadable_model_is_named_in_the_list_and_can_be_deleted(
    http: httpx2.Client, mnist_spec: dict[str, Any], store: Store
) -> None:
    model = http.post("/models", json=mnist_spec).json()["id"]
    store.redis.hset(keys.record("default", "model", model), "record", "{")
    assert [entry["id"] for entry in http.get("/models").json()["unreadable"]] == [model]
    is_problem(http.get(f"/models/{model}"), 500, "unreadable-record")
    assert http.delete(f"/models/{model}").status_code == 204
    assert http.get("/models").json() == {"data": [], "has_more": False, "next": None, "unreadable": []}


def test_an_unreadable_worker_is_named_in_the_list(http: httpx2.Client, store: Store) -> None:
    store.redis.zadd(keys.WORKERS, {"mac-1": store.now() * 1e6})
    store.redis.set(keys.worker("mac-1"), "{")
    answer = http.get("/workers").json()
    assert [entry["id"] for entry in answer["unreadable"]] == ["worker mac-1"]


def test_client_lists_readable_jobs_and_logs_unreadable_ones(
    http: httpx2.Client, newer_and_readable: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = newer_and_readable
    with Client(str(http.base_url)) as client:
        assert [job.id for job in client.jobs()] == [good]
        assert [job.id for job in client.jobs()] == [good]
    assert sum(bad in message for message in caplog.messages) == 1
