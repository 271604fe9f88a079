"""Bounds of what one tenant can store in Redis, and their responses with advice."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from pippin.store import Store

IsProblem = Callable[..., dict[str, Any]]

TENANT_BYTES = 100_000


@pytest.fixture
def small(make_service: Callable[..., Any]) -> Iterator[httpx2.Client]:
    """A client of a service with low limits."""
    service = make_service(
        max_tenant_bytes=TENANT_BYTES,
        max_record_bytes=8192,
        max_epochs=10,
        max_dataset_classes=100,
        max_label_characters=50,
        max_labels_bytes=1024,
    )
    with httpx2.Client(base_url=service.url, timeout=60) as client:
        yield client


@pytest.fixture
def request_(small: httpx2.Client, tiny_npz: bytes) -> dict[str, Any]:
    """A valid job request."""
    small.post("/datasets", params={"name": "tiny"}, content=tiny_npz)
    return {"model": {"preset": "mnist-cnn"}, "dataset": "tiny"}


def csv_of(labels: list[str]) -> bytes:
    return "\n".join(["x,y", *(f"{number},{label}" for number, label in enumerate(labels))]).encode()


def test_full_tenant_is_a_507_until_jobs_are_deleted(
    small: httpx2.Client, request_: dict[str, Any], store: Store, is_problem: IsProblem
) -> None:
    job_ids = []
    while (answer := small.post("/jobs", json=request_)).status_code == 202:
        job_ids.append(answer.json()["id"])
    problem = is_problem(answer, 507, "tenant-full")
    assert "at most 100,000 are allowed" in problem["detail"]
    assert "delete jobs that have ended (DELETE /jobs/{id})" in problem["detail"]
    assert store.usage.stored_bytes("default").total <= TENANT_BYTES
    small.post(f"/jobs/{job_ids[0]}/cancel")
    assert small.delete(f"/jobs/{job_ids[0]}").status_code == 204
    assert small.post("/jobs", json=request_).status_code == 202


@pytest.mark.parametrize(
    ("labels", "detail"),
    [
        ([f"label-{number}" for number in range(200)], "more than 100 different class labels"),
        (["a", "b" * 51], "has 51 characters; 50 are allowed (PIPPIN_MAX_LABEL_CHARACTERS)"),
        ([f"{'c' * 40}{number}" for number in range(50)], "take more than 1,024 bytes together"),
    ],
)
def test_class_labels_are_bounded(
    small: httpx2.Client, store: Store, is_problem: IsProblem, labels: list[str], detail: str
) -> None:
    answer = small.post("/datasets", params={"name": "labels", "target": "y"}, content=csv_of(labels))
    assert detail in is_problem(answer, 413, "body-too-large")["detail"]
    assert store.datasets.get("default", "labels") is None


def test_a_job_whose_description_is_too_large_is_refused(
    small: httpx2.Client, request_: dict[str, Any], mnist_spec: dict[str, Any], is_problem: IsProblem
) -> None:
    mnist_spec["short_description"] = "x" * 8192
    problem = is_problem(small.post("/jobs", json=request_ | {"model": {"spec": mnist_spec}}), 422)
    assert "at most 8,192 (PIPPIN_MAX_RECORD_BYTES) fit" in problem["errors"][0]["detail"]
    assert "POST /models" in problem["errors"][0]["detail"]


def test_a_model_whose_record_is_too_large_is_refused(
    small: httpx2.Client, mnist_spec: dict[str, Any], is_problem: IsProblem
) -> None:
    mnist_spec["layers"][1:1] = [{"type": "relu", "name": f"between{number}"} for number in range(200)]
    problem = is_problem(small.post("/models", json=mnist_spec), 422)
    assert "the model's record takes" in problem["errors"][0]["detail"]


def test_epochs_are_bounded(small: httpx2.Client, request_: dict[str, Any], is_problem: IsProblem) -> None:
    problem = is_problem(small.post("/jobs", json=request_ | {"hyperparameters": {"epochs": 11}}), 422)
    assert problem["errors"] == [
        {"pointer": "/hyperparameters/epochs", "detail": "found 11; needs at most 10 (PIPPIN_MAX_EPOCHS)"}
    ]


def test_tenant_usage_is_exported_as_metrics(small: httpx2.Client, request_: dict[str, Any], store: Store) -> None:
    small.post("/jobs", json=request_)
    held = store.usage.stored_bytes("default").total
    text = small.get("/metrics").text
    assert f'pippin_tenant_redis_bytes{{tenant="default"}} {held}.0' in text
    assert f"pippin_tenants_redis_bytes {held}.0" in text
    assert f"pippin_tenant_redis_limit_bytes {TENANT_BYTES}.0" in text
