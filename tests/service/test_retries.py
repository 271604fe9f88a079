from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs
from pippin.store import Store

IsProblem = Callable[..., dict[str, Any]]
Submit = Callable[..., dict[str, Any]]
Save = Callable[..., Any]


@pytest.fixture
def failed(submit: Submit, trainer: Callable[[str], Any], save: Save) -> Callable[..., str]:
    """Creates jobs that failed after two epochs, with a checkpoint of the second."""

    def make(*, checkpoint: bool = True, **changes: object) -> str:
        attempt = trainer(submit(**changes)["id"])
        attempt.begin()
        attempt.epoch(1)
        attempt.epoch(2, checkpoint=save(2) if checkpoint else None)
        attempt.fail()
        return str(attempt.job_id)

    return make


def test_retry_is_a_new_job_with_the_same_request(
    http: httpx2.Client, failed: Callable[..., str], mnist_spec: dict[str, Any], store: Store
) -> None:
    mnist_spec["layers"][-2]["bias"] = [0.5] * 10
    old = http.get(f"/jobs/{failed(model={'spec': mnist_spec}, labels={'team': 'a'}, max_attempts=7)}").json()
    answer = http.post(f"/jobs/{old['id']}/retry")
    new = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/jobs/{new['id']}"
    assert (new["retry_of"], new["status"], new["id"] == old["id"]) == (old["id"], "queued", False)
    assert new["request"] == old["request"]
    assert (new["checkpoint"], new["progress"]["epoch"], new["attempts"]) == (None, 0, [])
    assert new["request"]["model"]["spec_digest"] in set(store.references.digests())
    assert http.get(f"/jobs/{old['id']}").json() == old


def test_retry_uses_the_built_model_when_the_spec_is_gone(
    *,
    http: httpx2.Client,
    submit: Submit,
    trainer: Callable[[str], Any],
    mnist_spec: dict[str, Any],
    blobs: Blobs,
    is_problem: IsProblem,
) -> None:
    mnist_spec["layers"][-2]["bias"] = [0.25] * 10
    jobs = [submit(model={"spec": mnist_spec}) for _ in range(2)]
    built = blobs.put_bytes(b"the model")
    for job in jobs:
        attempt = trainer(job["id"])
        attempt.begin()
        if job is jobs[0]:
            attempt.artifact("initial", built, 9)
        attempt.fail()
    blobs.delete(jobs[0]["request"]["model"]["spec_digest"])
    model = http.post(f"/jobs/{jobs[0]['id']}/retry").json()["request"]["model"]
    assert (model["digest"], model["spec_digest"]) == (built, None)
    problem = is_problem(http.post(f"/jobs/{jobs[1]['id']}/retry"), 409, "state-conflict")
    assert "the spec of its model was deleted; submit a new job" in problem["detail"]


def test_retry_from_a_checkpoint_keeps_its_epoch_and_engine(http: httpx2.Client, failed: Callable[..., str]) -> None:
    old = http.get(f"/jobs/{failed()}").json()
    assert old["request"]["engines"] == ["coreml", "jax"]
    new = http.post(f"/jobs/{old['id']}/retry", json={"from_checkpoint": True}).json()
    assert new["checkpoint"] == old["checkpoint"]
    assert new["request"] == old["request"] | {"engines": ["jax"]}
    assert (new["progress"]["epoch"], new["latest_metrics"]) == (2, old["latest_metrics"])
    (kept,) = http.get(f"/jobs/{new['id']}/checkpoints").json()["data"]
    assert (kept["epoch"], kept["metrics"]) == (2, None)
    assert new["waiting_for"] == "No live worker has the jax engine; start one with `pippin worker`."


def test_a_cancelled_job_can_be_retried_and_so_can_the_retry(http: httpx2.Client, submit: Submit) -> None:
    job_id = submit()["id"]
    for _ in range(2):
        http.post(f"/jobs/{job_id}/cancel")
        new = http.post(f"/jobs/{job_id}/retry", json={}).json()
        assert new["retry_of"] == job_id
        job_id = new["id"]


def test_only_failed_or_cancelled_jobs_can_be_retried(
    http: httpx2.Client, submit: Submit, trainer: Callable[[str], Any], is_problem: IsProblem
) -> None:
    job_id = submit()["id"]
    detail = is_problem(http.post(f"/jobs/{job_id}/retry"), 409, "state-conflict")["detail"]
    assert detail == f"{job_id} cannot be retried: it is queued; only failed or cancelled jobs can be retried."
    trainer(job_id).train()
    assert "it is succeeded" in is_problem(http.post(f"/jobs/{job_id}/retry"), 409)["detail"]
    assert len(http.get("/jobs").json()["data"]) == 1


def test_retry_from_a_missing_checkpoint_is_a_conflict(
    http: httpx2.Client, failed: Callable[..., str], is_problem: IsProblem, blobs: Blobs
) -> None:
    path = f"/jobs/{failed(checkpoint=False)}/retry"
    detail = is_problem(http.post(path, json={"from_checkpoint": True}), 409, "state-conflict")["detail"]
    assert "it has no checkpoint; leave from_checkpoint out" in detail
    assert http.post(path, json={"from_checkpoint": False}).status_code == 202
    job_id = failed()
    blobs.delete(http.get(f"/jobs/{job_id}").json()["checkpoint"]["digest"])
    detail = is_problem(http.post(f"/jobs/{job_id}/retry", json={"from_checkpoint": True}), 409)["detail"]
    assert "the file was deleted" in detail


def test_retry_reports_a_missing_model_file_or_dataset(
    *,
    http: httpx2.Client,
    failed: Callable[..., str],
    mnist_spec: dict[str, Any],
    blobs: Blobs,
    tiny: dict[str, Any],
    is_problem: IsProblem,
) -> None:
    uploaded = http.post("/models", params={"name": "digits"}, json=mnist_spec).json()
    job_id = failed(model={"id": "digits"})
    http.delete(f"/models/{uploaded['id']}")
    retried = http.post(f"/jobs/{job_id}/retry")
    assert retried.status_code == 202  # the file alone is needed
    http.post(f"/jobs/{retried.json()['id']}/cancel")  # a live job would hold its dataset
    blobs.delete(uploaded["digest"])
    detail = is_problem(http.post(f"/jobs/{job_id}/retry"), 409, "state-conflict")["detail"]
    assert "the file of its model digits was deleted; submit a new job" in detail
    assert http.delete(f"/datasets/{tiny['id']}").status_code == 204
    detail = is_problem(http.post(f"/jobs/{job_id}/retry"), 409, "state-conflict")["detail"]
    assert "its dataset tiny was deleted; upload it again and submit a new job" in detail


def test_retry_with_the_same_idempotency_key_creates_one_job(
    http: httpx2.Client, failed: Callable[..., str], job_request: dict[str, Any], is_problem: IsProblem
) -> None:
    job_id, other = failed(), failed()
    key = {"idempotency-key": '"mine"'}
    first = http.post(f"/jobs/{job_id}/retry", headers=key)
    again = http.post(f"/jobs/{job_id}/retry", headers=key, json={"from_checkpoint": False})
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["location"] == first.headers["location"]
    for answer in (
        http.post(f"/jobs/{job_id}/retry", headers=key, json={"from_checkpoint": True}),
        http.post(f"/jobs/{other}/retry", headers=key),
        http.post("/jobs", headers=key, json=job_request),
    ):
        is_problem(answer, 422, "idempotency-mismatch")


def test_refused_retry_leaves_its_idempotency_key_free(
    http: httpx2.Client, failed: Callable[..., str], is_problem: IsProblem
) -> None:
    path, key = f"/jobs/{failed(checkpoint=False)}/retry", {"idempotency-key": "mine"}
    is_problem(http.post(path, headers=key, json={"from_checkpoint": True}), 409, "state-conflict")
    assert http.post(path, headers=key).status_code == 202
    is_problem(http.post(path, headers={"idempotency-key": ""}), 422, "invalid-request")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        (b'{"from_checkpoint": "yes"}', 422, "/from_checkpoint"),
        (b'{"from": 3}', 422, "/from"),
        (b"[]", 422, ""),
        (b"{", 400, None),
    ],
)
def test_invalid_retry_body_is_refused(
    *, http: httpx2.Client, failed: Callable[..., str], is_problem: IsProblem, body: bytes, status: int, pointer: str
) -> None:
    path = f"/jobs/{failed()}/retry"
    problem = is_problem(http.post(path, content=body, headers={"content-type": "application/json"}), status)
    assert [fault["pointer"] for fault in problem.get("errors", [])] == ([] if pointer is None else [pointer])
    is_problem(http.post(path, content=b"{}", headers={"content-type": "text/plain"}), 415, "unsupported-media-type")
