import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import pytest

from pippin.api.tokens import issue
from pippin.blobs import BlobError, BlobRefusedError, Blobs
from pippin.store import Store
from tests.service.conftest import MakeService
from tests.service.security.conftest import AddToken, bearer
from tests.support.problems import is_problem
from tests.support.records import worker_report

LARGE = b"x" * 20_000_000

CONTENT = b"weights"
PATH = f"/blobs/{hashlib.sha256(CONTENT).hexdigest()}"
JOB = f"job_{'0' * 26}"


def test_service_without_tokens_is_open(http: httpx2.Client) -> None:
    assert http.put(PATH, content=CONTENT).status_code == 204
    assert http.get(PATH).content == CONTENT
    assert http.get("/jobs").status_code == 200
    assert http.get("/jobs", headers={"authorization": "Bearer nonsense"}).status_code == 200
    assert http.get("/session").json() == {"role": "admin", "tenant": "default", "token": None, "expires_at": None}


def test_paths_that_are_no_operation_need_a_token(http: httpx2.Client, add_token: AddToken) -> None:
    add_token("read")
    for path in ("/", "/docs", "/docs/start.js", "/docs/assets/swagger-ui.css", "/problems/unauthorized"):
        assert http.get(path).status_code == 200
    for method, path in (
        ("GET", "/nothing"),
        ("GET", "/docs/nothing"),
        ("GET", "/dashboard"),
        ("GET", "/healthz/"),
        ("HEAD", "/jobs"),
        ("OPTIONS", "/jobs"),
        ("BREW", "/jobs"),
        ("PATCH", "/datasets/x"),
    ):
        answer = http.request(method, path)
        assert answer.status_code == 401, (method, path)
        # RFC 6750, section 3.1: no error code for a request without a token.
        assert answer.headers["www-authenticate"] == 'Bearer realm="pippin"'
    is_problem(http.post("/healthz"), 405, "method-not-allowed")


def test_worker_token_restricts_only_the_blobs(http: httpx2.Client, add_token: AddToken) -> None:
    token = add_token("worker")
    assert http.put(PATH, content=CONTENT, headers=bearer(token)).status_code == 204
    assert http.get(PATH, headers=bearer(token)).content == CONTENT
    assert http.head(PATH, headers={"authorization": f"bearer {token.text}"}).status_code == 200
    for method in ("GET", "PUT"):
        is_problem(http.request(method, PATH, content=CONTENT if method == "PUT" else None), 401, "unauthorized")
    assert http.get("/jobs").status_code == 200
    assert http.get("/jobs", headers=bearer(token)).status_code == 200


@pytest.mark.parametrize("shown", ["nonsense", issue("worker", None).text], ids=["nonsense", "never-kept"])
def test_unknown_token_is_answered_invalid_token(http: httpx2.Client, add_token: AddToken, shown: str) -> None:
    add_token("worker")
    answer = http.get(PATH, headers={"authorization": f"Bearer {shown}"})
    assert shown not in is_problem(answer, 401, "unauthorized")["detail"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_other_schemes_than_bearer_are_refused(http: httpx2.Client, add_token: AddToken) -> None:
    token = add_token("admin").text
    for shown in (f"Basic {token}", token, f"Bearer{token}", "Bearer", ""):
        assert http.get("/jobs", headers={"authorization": shown}).status_code == 401


def test_revoked_token_is_refused_by_the_next_request(http: httpx2.Client, add_token: AddToken, store: Store) -> None:
    token = add_token("submit")
    assert http.get("/jobs", headers=bearer(token)).status_code == 200
    store.tokens.revoke(token.record.id)
    assert http.get("/jobs", headers=bearer(token)).status_code == 401
    assert http.get("/jobs").status_code == 401


def test_unauthenticated_request_does_not_reveal_whether_an_object_exists(
    http: httpx2.Client, add_token: AddToken
) -> None:
    token = add_token("admin")
    for path in ("/blobs/abc", f"/jobs/{JOB}", "/datasets/x", "/nothing"):
        assert http.get(path).status_code == 401
        assert http.get(path, headers=bearer(token)).status_code == 404


def test_reachable_service_is_closed_before_the_first_token(make_service: MakeService, add_token: AddToken) -> None:
    service = make_service(allowed_hosts=("pippin.example.com",), sample=False)
    with service.client() as http:
        assert http.get("/jobs").status_code == 401
        assert http.get(PATH).status_code == 401
        assert http.get("/readyz").status_code == 200
        assert http.get("/jobs", headers=bearer(add_token("read"))).status_code == 200


def test_tenant_sees_only_its_own_objects(
    make_service: MakeService, add_token: AddToken, tiny_npz: bytes, mnist_spec: dict[str, Any]
) -> None:
    ours, theirs = (bearer(add_token("submit", tenant=tenant)) for tenant in ("alone-a", "alone-b"))
    request = {"model": {"preset": "mnist-cnn"}, "dataset": "tiny"}
    # This service adds the packaged sample for every tenant.
    with make_service().client() as http:

        def names(path: str) -> list[str]:
            return [each["name"] for each in http.get(path, headers=theirs).json()["data"]]

        dataset = http.post("/datasets?name=tiny", content=tiny_npz, headers=ours).json()
        job = http.post("/jobs", json=request, headers=ours | {"idempotency-key": "one"}).json()
        model = http.post("/models?name=m", json=mnist_spec, headers=ours)
        assert model.status_code == 201, model.text

        for path in (
            *(f"/jobs/{job['id']}{part}" for part in ("", "/metrics", "/events", "/model")),
            *(f"/datasets/{name}{part}" for name in ("tiny", dataset["id"]) for part in ("", "/preview")),
            *(f"/models/{name}{part}" for name in ("m", model.json()["id"]) for part in ("", "/file", "/spec")),
        ):
            is_problem(http.get(path, headers=theirs), 404)
        is_problem(http.post(f"/jobs/{job['id']}/cancel", headers=theirs), 404)
        for path in (f"/jobs/{job['id']}", "/datasets/tiny", "/models/m"):
            is_problem(http.delete(path, headers=theirs), 404)
        sample = request | {"dataset": "mnist-sample"}
        for refused in (request, sample | {"model": {"id": "m"}}):
            is_problem(http.post("/jobs", json=refused, headers=theirs | {"idempotency-key": "two"}), 422)
        # Names and idempotency keys are separate for each tenant, and every tenant has the sample.
        assert (names("/jobs"), names("/models"), names("/datasets")) == ([], [], ["mnist-sample"])
        other = http.post("/jobs", json=sample, headers=theirs | {"idempotency-key": "one"})
        assert other.status_code == 202, other.text
        assert other.json()["id"] != job["id"]
        assert [each["id"] for each in http.get("/jobs", headers=ours).json()["data"]] == [job["id"]]


def test_workers_current_job_is_visible_to_its_tenant_only(
    http: httpx2.Client, add_token: AddToken, store: Store, submitted: Callable[..., str]
) -> None:
    job_id = submitted()
    store.workers.heartbeat(worker_report(state="busy", current_job=job_id))
    for tenant, visible in (("default", job_id), ("team-b", None)):
        (worker,) = http.get("/workers", headers=bearer(add_token("read", tenant=tenant))).json()["data"]
        assert worker["current_job"] == visible


def test_refused_blob_upload_raises_with_the_reason(http: httpx2.Client, add_token: AddToken) -> None:
    with pytest.raises(BlobError, match="PIPPIN_MAX_DATASET_BYTES"):
        Blobs(str(http.base_url)).put_bytes(LARGE)
    add_token("worker")
    with pytest.raises(BlobRefusedError, match="requires a worker token"):
        Blobs(str(http.base_url)).put_bytes(LARGE)


def test_blob_refusal_names_the_required_role(http: httpx2.Client, add_token: AddToken, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(add_token("read").text)
    with pytest.raises(BlobRefusedError, match=r"role worker.*has the role read"):
        Blobs(str(http.base_url), file).put_bytes(CONTENT)
