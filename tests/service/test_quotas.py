from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.api.tokens import Quotas, issue
from pippin.blobs import Blobs
from pippin.store import Store
from tests.service.hostile_models import mnist_file
from tests.support.problems import is_problem


@pytest.fixture
def limited(http: httpx2.Client, store: Store) -> Callable[..., httpx2.Client]:
    """The client with a token that has these quotas."""

    def make(**quotas: int) -> httpx2.Client:
        token = issue("submit", None, quotas=Quotas(**quotas))
        store.tokens.add(token)
        http.headers["authorization"] = f"Bearer {token.text}"
        return http

    return make


def test_queued_jobs_quota(job_request: dict[str, Any], limited: Callable[..., httpx2.Client]) -> None:
    http = limited(queued_jobs=2)
    for _ in range(2):
        assert http.post("/jobs", json=job_request).status_code == 202
    for _ in range(2):
        refused = http.post("/jobs", json=job_request, headers={"idempotency-key": "one"})
        assert "2 of this token's jobs wait" in is_problem(refused, 429, "quota-exceeded")["detail"]
        assert refused.headers["retry-after"] == "30"
    jobs = http.get("/jobs").json()["data"]
    assert len(jobs) == 2
    # The key of the refused request is free: the same request is accepted once a job has been cancelled.
    http.post(f"/jobs/{jobs[0]['id']}/cancel")
    assert http.post("/jobs", json=job_request, headers={"idempotency-key": "one"}).status_code == 202


def test_stored_bytes_quota(limited: Callable[..., httpx2.Client], tiny_npz: bytes, blobs: Blobs) -> None:
    http = limited(stored_bytes=15_000)
    added = http.post("/datasets?name=a", content=tiny_npz)
    assert added.status_code == 201, added.text
    assert added.json()["bytes"] < 15_000 < 2 * added.json()["bytes"]
    before = set(blobs.names())
    is_problem(http.post("/models", content=mnist_file()), 429, "quota-exceeded")
    is_problem(http.post("/datasets?name=b&scale=1", content=tiny_npz), 429, "quota-exceeded")
    assert set(blobs.names()) == before
    assert http.post("/datasets?name=a", content=tiny_npz).status_code == 200
    assert http.delete("/datasets/a").status_code == 204
    assert http.post("/datasets?name=b&scale=1", content=tiny_npz).status_code == 201


def test_requests_per_minute_quota(limited: Callable[..., httpx2.Client]) -> None:
    http = limited(requests_per_minute=3)
    for _ in range(3):
        assert http.get("/jobs").status_code == 200
    refused = http.get("/jobs")
    is_problem(refused, 429, "rate-limited")
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert http.get("/healthz").status_code == 200
