"""Bounds of what one tenant can store in Redis, and their responses with advice."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from pippin.settings import Settings
from pippin.store import Store
from tests.service.conftest import RunningService
from tests.support.problems import fault, is_problem

TENANT_BYTES = 100_000


@pytest.fixture(scope="module")
def shared_service(make_settings: Callable[..., Settings]) -> Iterator[RunningService]:
    """A service with low limits."""
    limits = {
        "max_tenant_bytes": TENANT_BYTES,
        "max_record_bytes": 8192,
        "max_epochs": 10,
        "max_dataset_classes": 100,
        "max_label_characters": 50,
        "max_labels_bytes": 1024,
    }
    with RunningService(make_settings(**limits, sample=False)) as service:
        yield service


def test_full_tenant_is_a_507_until_jobs_are_deleted(
    http: httpx2.Client, job_request: dict[str, Any], store: Store
) -> None:
    job_ids = []
    while (answer := http.post("/jobs", json=job_request)).status_code == 202:
        job_ids.append(answer.json()["id"])
    problem = is_problem(answer, 507, "tenant-full")
    assert "at most 100,000 are allowed" in problem["detail"]
    assert "delete jobs that have ended (DELETE /jobs/{id})" in problem["detail"]
    assert store.usage.stored_bytes("default").total <= TENANT_BYTES
    http.post(f"/jobs/{job_ids[0]}/cancel")
    assert http.delete(f"/jobs/{job_ids[0]}").status_code == 204
    assert http.post("/jobs", json=job_request).status_code == 202


@pytest.mark.parametrize(
    ("labels", "detail"),
    [
        ([f"label-{number}" for number in range(200)], "more than 100 different class labels"),
        (["a", "b" * 51], "has 51 characters; 50 are allowed (PIPPIN_MAX_LABEL_CHARACTERS)"),
        ([f"{'c' * 40}{number}" for number in range(50)], "take more than 1,024 bytes together"),
    ],
    ids=["number", "length of one", "length of all"],
)
def test_class_labels_are_bounded(http: httpx2.Client, store: Store, labels: list[str], detail: str) -> None:
    table = "\n".join(["x,y", *(f"{number},{label}" for number, label in enumerate(labels))])
    answer = http.post("/datasets?name=labels&target=y", content=table.encode())
    assert detail in is_problem(answer, 413, "body-too-large")["detail"]
    assert store.datasets.get("default", "labels") is None


def test_a_job_whose_description_is_too_large_is_refused(
    http: httpx2.Client, job_request: dict[str, Any], mnist_spec: dict[str, Any]
) -> None:
    mnist_spec["short_description"] = "x" * 8192
    _, detail = fault(http.post("/jobs", json=job_request | {"model": {"spec": mnist_spec}}))
    assert "at most 8,192 are allowed (PIPPIN_MAX_RECORD_BYTES)" in detail
    assert "POST /models" in detail


def test_a_model_whose_record_is_too_large_is_refused(http: httpx2.Client, mnist_spec: dict[str, Any]) -> None:
    mnist_spec["layers"][1:1] = [{"type": "relu", "name": f"between{number}"} for number in range(200)]
    assert "the model's record takes" in fault(http.post("/models", json=mnist_spec))[1]


def test_epochs_are_bounded(http: httpx2.Client, job_request: dict[str, Any]) -> None:
    answer = http.post("/jobs", json=job_request | {"hyperparameters": {"epochs": 11}})
    assert fault(answer) == ("/hyperparameters/epochs", "found 11; needs at most 10 (PIPPIN_MAX_EPOCHS)")


def test_tenant_usage_is_exported_as_metrics(http: httpx2.Client, job_request: dict[str, Any], store: Store) -> None:
    http.post("/jobs", json=job_request)
    held = store.usage.stored_bytes("default").total
    text = http.get("/metrics").text
    assert f'pippin_tenant_redis_bytes{{tenant="default"}} {held}.0' in text
    assert f"pippin_tenants_redis_bytes {held}.0" in text
    assert f"pippin_tenant_redis_limit_bytes {TENANT_BYTES}.0" in text
