from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs
from pippin.store import Store
from tests.service.conftest import MakeTrainer, Save, Submit
from tests.support.problems import fault, is_problem


@pytest.fixture
def failed(start_job: MakeTrainer, save: Save) -> Callable[..., str]:
    """Creates jobs that failed after two epochs, with a checkpoint of the second."""

    def make(*, checkpoint: bool = True, **changes: object) -> str:
        attempt = start_job(**changes)
        attempt.epoch(1)
        attempt.epoch(2, checkpoint=save(2) if checkpoint else None)
        attempt.fail()
        return attempt.path

    return make


def test_retry_is_a_new_job_with_the_same_request(
    http: httpx2.Client, failed: Callable[..., str], mnist_spec: dict[str, Any], store: Store
) -> None:
    mnist_spec["layers"][-2]["bias"] = [0.5] * 10
    old = http.get(failed(model={"spec": mnist_spec}, labels={"team": "a"}, max_attempts=7)).json()
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
    http: httpx2.Client, submit: Submit, trainer: MakeTrainer, mnist_spec: dict[str, Any], blobs: Blobs
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
    old = http.get(failed()).json()
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
    http: httpx2.Client, submit: Submit, trainer: MakeTrainer
) -> None:
    job_id = submit()["id"]
    detail = is_problem(http.post(f"/jobs/{job_id}/retry"), 409, "state-conflict")["detail"]
    assert detail == f"{job_id} cannot be retried: it is queued; only failed or cancelled jobs can be retried."
    trainer(job_id).train()
    assert "it is succeeded" in is_problem(http.post(f"/jobs/{job_id}/retry"), 409)["detail"]
    assert len(http.get("/jobs").json()["data"]) == 1


def test_retry_from_a_missing_checkpoint_is_a_conflict(
    http: httpx2.Client, failed: Callable[..., str], blobs: Blobs
) -> None:
    path = f"{failed(checkpoint=False)}/retry"
    detail = is_problem(http.post(path, json={"from_checkpoint": True}), 409, "state-conflict")["detail"]
    assert "it has no checkpoint; leave from_checkpoint out" in detail
    assert http.post(path, json={"from_checkpoint": False}).status_code == 202
    job = failed()
    blobs.delete(http.get(job).json()["checkpoint"]["digest"])
    detail = is_problem(http.post(f"{job}/retry", json={"from_checkpoint": True}), 409)["detail"]
    assert "the file was deleted" in detail


def test_retry_reports_a_missing_model_file_or_dataset(
    http: httpx2.Client, failed: Callable[..., str], mnist_spec: dict[str, Any], blobs: Blobs, tiny: dict[str, Any]
) -> None:
    uploaded = http.post("/models", params={"name": "digits"}, json=mnist_spec).json()
    retry = f"{failed(model={'id': 'digits'})}/retry"
    http.delete(f"/models/{uploaded['id']}")
    retried = http.post(retry)
    assert retried.status_code == 202  # the file alone is needed
    http.post(f"/jobs/{retried.json()['id']}/cancel")  # a live job would hold its dataset
    blobs.delete(uploaded["digest"])
    detail = is_problem(http.post(retry), 409, "state-conflict")["detail"]
    assert "the file of its model digits was deleted; submit a new job" in detail
    assert http.delete(f"/datasets/{tiny['id']}").status_code == 204
    detail = is_problem(http.post(retry), 409, "state-conflict")["detail"]
    assert "its dataset tiny was deleted; upload it again and submit a new job" in detail


def test_retry_with_the_same_idempotency_key_creates_one_job(
    http: httpx2.Client, failed: Callable[..., str], job_request: dict[str, Any]
) -> None:
    retry, retry_of_other = (f"{failed()}/retry" for _ in range(2))
    key = {"idempotency-key": '"mine"'}
    first = http.post(retry, headers=key)
    again = http.post(retry, headers=key, json={"from_checkpoint": False})
    assert (again.status_code, again.json()["id"]) == (202, first.json()["id"])
    assert again.headers["location"] == first.headers["location"]
    for answer in (
        http.post(retry, headers=key, json={"from_checkpoint": True}),
        http.post(retry_of_other, headers=key),
        http.post("/jobs", headers=key, json=job_request),
    ):
        is_problem(answer, 422, "idempotency-mismatch")


def test_refused_retry_leaves_its_idempotency_key_free(http: httpx2.Client, failed: Callable[..., str]) -> None:
    path, key = f"{failed(checkpoint=False)}/retry", {"idempotency-key": "mine"}
    is_problem(http.post(path, headers=key, json={"from_checkpoint": True}), 409, "state-conflict")
    assert http.post(path, headers=key).status_code == 202
    is_problem(http.post(path, headers={"idempotency-key": ""}), 422, "invalid-request")


@pytest.mark.parametrize(
    ("body", "pointer"), [(b'{"from_checkpoint": "yes"}', "/from_checkpoint"), (b'{"from": 3}', "/from"), (b"[]", "")]
)
def test_invalid_retry_body_is_refused(
    http: httpx2.Client, failed: Callable[..., str], body: bytes, pointer: str
) -> None:
    path = f"{failed()}/retry"
    kind = {"content-type": "application/json"}
    assert fault(http.post(path, content=body, headers=kind))[0] == pointer
    is_problem(http.post(path, content=b"{", headers=kind), 400, "malformed-body")
    is_problem(http.post(path, content=b"{}", headers={"content-type": "text/plain"}), 415, "unsupported-media-type")
