import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import httpx2
import pytest

from pippin.api.tokens import Role, issue
from pippin.blobs import BlobError, BlobRefusedError, Blobs
from pippin.store import Store, WorkerReport

LARGE = b"x" * 20_000_000
IsProblem = Callable[..., dict[str, Any]]
MakeToken = Callable[..., str]

CONTENT = b"weights"
PATH = f"/blobs/{hashlib.sha256(CONTENT).hexdigest()}"
JOB = f"job_{'0' * 26}"


class Service(Protocol):
    url: str
    settings: Any


@pytest.fixture
def make_token(store: Store) -> MakeToken:
    """Creates valid tokens."""

    def make(role: Role, tenant: str = "default") -> str:
        issued = issue(role, None, tenant=tenant)
        store.tokens.add(issued)
        return issued.text

    return make


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_service_without_tokens_is_open(http: httpx2.Client) -> None:
    assert http.put(PATH, content=CONTENT).status_code == 204
    assert http.get(PATH).content == CONTENT
    assert http.get("/jobs").status_code == 200
    assert http.get("/jobs", headers=bearer("nonsense")).status_code == 200
    assert http.get("/session").json() == {"role": "admin", "tenant": "default", "token": None, "expires_at": None}


def test_paths_that_are_no_operation_need_a_token(
    http: httpx2.Client, make_token: MakeToken, is_problem: IsProblem
) -> None:
    make_token("read")
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


def test_worker_token_restricts_only_the_blobs(
    http: httpx2.Client, make_token: MakeToken, is_problem: IsProblem
) -> None:
    token = make_token("worker")
    assert http.put(PATH, content=CONTENT, headers=bearer(token)).status_code == 204
    assert http.get(PATH, headers=bearer(token)).content == CONTENT
    assert http.head(PATH, headers={"authorization": f"bearer {token}"}).status_code == 200
    for method in ("GET", "PUT"):
        is_problem(http.request(method, PATH, content=CONTENT if method == "PUT" else None), 401, "unauthorized")
    assert http.get("/jobs").status_code == 200
    assert http.get("/jobs", headers=bearer(token)).status_code == 200


@pytest.mark.parametrize("shown", ["nonsense", issue("worker", None).text], ids=["nonsense", "never-kept"])
def test_unknown_token_is_answered_invalid_token(
    http: httpx2.Client, make_token: MakeToken, shown: str, is_problem: IsProblem
) -> None:
    make_token("worker")
    answer = http.get(PATH, headers=bearer(shown))
    assert shown not in is_problem(answer, 401, "unauthorized")["detail"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_other_schemes_than_bearer_are_refused(http: httpx2.Client, make_token: MakeToken) -> None:
    token = make_token("admin")
    for shown in (f"Basic {token}", token, f"Bearer{token}", "Bearer", ""):
        assert http.get("/jobs", headers={"authorization": shown}).status_code == 401


def test_revoked_token_is_refused_by_the_next_request(http: httpx2.Client, make_token: MakeToken, store: Store) -> None:
    token = make_token("submit")
    assert http.get("/jobs", headers=bearer(token)).status_code == 200
    store.tokens.revoke(store.tokens.all()[0].id)
    assert http.get("/jobs", headers=bearer(token)).status_code == 401
    assert http.get("/jobs").status_code == 401


def test_unauthenticated_request_does_not_reveal_whether_an_object_exists(
    http: httpx2.Client, make_token: MakeToken
) -> None:
    token = make_token("admin")
    for path in ("/blobs/abc", f"/jobs/{JOB}", "/datasets/x", "/nothing"):
        assert http.get(path).status_code == 401
        assert http.get(path, headers=bearer(token)).status_code == 404


def test_reachable_service_is_closed_before_the_first_token(
    make_service: Callable[..., Service], make_token: MakeToken
) -> None:
    service = make_service(allowed_hosts=("pippin.example.com",), sample=False)
    with httpx2.Client(base_url=service.url, timeout=60) as http:
        assert http.get("/jobs").status_code == 401
        assert http.get(PATH).status_code == 401
        assert http.get("/readyz").status_code == 200
        assert http.get("/jobs", headers=bearer(make_token("read"))).status_code == 200


@pytest.fixture
def http_with_sample(make_service: Callable[..., Service]) -> Iterator[httpx2.Client]:
    """A client of a service that adds the packaged sample for every tenant."""
    with httpx2.Client(base_url=make_service().url, timeout=60) as client:
        yield client


def test_tenant_sees_only_its_own_objects(
    http_with_sample: httpx2.Client, make_token: MakeToken, tiny_npz: bytes, is_problem: IsProblem
) -> None:
    http = http_with_sample
    ours, theirs = (bearer(make_token("submit", tenant=tenant)) for tenant in ("alone-a", "alone-b"))
    dataset = http.post("/datasets?name=tiny", content=tiny_npz, headers=ours).json()
    request = {"model": {"preset": "mnist-cnn"}, "dataset": "tiny"}
    job = http.post("/jobs", json=request, headers=ours | {"idempotency-key": "one"}).json()
    model = http.post("/models?name=m", json=job_spec(http, ours), headers=ours)
    assert model.status_code == 201, model.text

    for path in (
        *(f"/jobs/{job['id']}{part}" for part in ("", "/metrics", "/events", "/model")),
        *(f"/datasets/{name}{part}" for name in ("tiny", dataset["id"]) for part in ("", "/preview")),
        *(f"/models/{name}{part}" for name in ("m", model.json()["id"]) for part in ("", "/file", "/spec")),
    ):
        is_problem(http.get(path, headers=theirs), 404)
    for method, path in (
        ("POST", f"/jobs/{job['id']}/cancel"),
        ("DELETE", f"/jobs/{job['id']}"),
        ("DELETE", "/datasets/tiny"),
        ("DELETE", "/models/m"),
    ):
        is_problem(http.request(method, path, headers=theirs), 404)
    is_problem(http.post("/jobs", json=request, headers=theirs | {"idempotency-key": "two"}), 422)
    is_problem(
        http.post("/jobs", json=request | {"dataset": "mnist-sample", "model": {"id": "m"}}, headers=theirs), 422
    )
    assert http.get("/jobs", headers=theirs).json()["data"] == []
    assert http.get("/models", headers=theirs).json()["data"] == []
    # Names and idempotency keys are separate for each tenant, and every tenant has the sample.
    assert [each["name"] for each in http.get("/datasets", headers=theirs).json()["data"]] == ["mnist-sample"]
    sample = request | {"dataset": "mnist-sample"}
    other = http.post("/jobs", json=sample, headers=theirs | {"idempotency-key": "one"})
    assert other.status_code == 202, other.text
    assert other.json()["id"] != job["id"]
    assert [each["id"] for each in http.get("/jobs", headers=ours).json()["data"]] == [job["id"]]


def job_spec(http: httpx2.Client, headers: dict[str, str]) -> dict[str, Any]:
    """A small model to upload."""
    spec = {
        "inputs": [{"name": "x", "shape": [4]}],
        "outputs": [{"name": "y", "shape": [3]}],
        "layers": [
            {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
            {"type": "softmax", "name": "softmax"},
        ],
        "loss": {"type": "categorical_cross_entropy", "target": "label"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 10},
        "epochs": 3,
    }
    assert http.post("/specs/validate", json=spec, headers=headers).status_code == 200
    return spec


def test_workers_current_job_is_visible_to_its_tenant_only(
    http: httpx2.Client, make_token: MakeToken, store: Store, submitted: Callable[..., str]
) -> None:
    job_id = submitted()
    report = {
        "name": "mac-1",
        "host": "mac",
        "os": "macOS",
        "chip": "M4",
        "engines": ["jax"],
        "state": "busy",
        "current_job": job_id,
        "pid": 1,
        "started_at": "2026-11-24T00:00:00Z",
    }
    store.workers.heartbeat(WorkerReport.model_validate(report))
    ours, theirs = (bearer(make_token("read", tenant=tenant)) for tenant in ("default", "team-b"))
    assert [each["current_job"] for each in http.get("/workers", headers=ours).json()["data"]] == [job_id]
    assert [each["current_job"] for each in http.get("/workers", headers=theirs).json()["data"]] == [None]


def test_refused_blob_upload_raises_with_the_reason(http: httpx2.Client, make_token: MakeToken) -> None:
    with pytest.raises(BlobError, match="PIPPIN_MAX_DATASET_BYTES"):
        Blobs(str(http.base_url)).put_bytes(LARGE)
    make_token("worker")
    with pytest.raises(BlobRefusedError, match="requires a worker token"):
        Blobs(str(http.base_url)).put_bytes(LARGE)


def test_blob_refusal_names_the_required_role(http: httpx2.Client, make_token: MakeToken, tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.touch(mode=0o600)
    file.write_text(make_token("read"))
    with pytest.raises(BlobRefusedError, match=r"role worker.*has the role read"):
        Blobs(str(http.base_url), file).put_bytes(CONTENT)
