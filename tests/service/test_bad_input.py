import json
from typing import Any

import httpx2
import pytest

from tests.service.conftest import unannounced
from tests.support.problems import fault, is_problem

JSON = {"content-type": "application/json"}
UNKNOWN = f"job_{'0' * 26}"
ACCEPTED = {"/jobs": "application/json", "/specs/validate": "application/json, application/yaml"}
GOOD = b'{"model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample"}'


@pytest.mark.parametrize("path", ACCEPTED)
@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"{", "line 1, column 2"),
        (b"\xff\xfe{}", "UTF-8"),
        (b"[" * 200_000, "deeply"),
    ],
)
def test_invalid_json_is_a_400(http: httpx2.Client, path: str, body: bytes, message: str) -> None:
    assert message in is_problem(http.post(path, content=body, headers=JSON), 400, "malformed-body")["detail"]


@pytest.mark.parametrize("path", ACCEPTED)
@pytest.mark.parametrize("found", ["text/plain", "application/x-www-form-urlencoded", "application/jsonx", ""])
def test_other_media_type_is_a_415_that_lists_the_accepted_ones(http: httpx2.Client, path: str, found: str) -> None:
    answer = http.post(path, content=GOOD, headers={"content-type": found})
    is_problem(answer, 415, "unsupported-media-type")
    assert answer.headers["accept"] == ACCEPTED[path]


@pytest.mark.parametrize("path", ACCEPTED)
def test_a_body_beyond_the_limit_is_a_413_announced_or_not(http: httpx2.Client, path: str) -> None:
    for body in (b" " * 1_000_001, unannounced(b" " * 65_536)):
        assert "1,000,000 bytes" in is_problem(http.post(path, content=body, headers=JSON), 413)["detail"]


@pytest.mark.parametrize(
    "path", ["/nothing", "/jobs/", f"/jobs/{UNKNOWN}/nothing", "/datasets/x/y/z", "/docs/nothing", "/docs/assets/x.js"]
)
def test_an_unknown_path_is_a_404(http: httpx2.Client, path: str) -> None:
    is_problem(http.get(path), 404, "not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/jobs", "GET, POST"),
        ("PUT", "/jobs", "GET, POST"),
        ("OPTIONS", "/jobs", "GET, POST"),
        ("POST", f"/jobs/{UNKNOWN}", "GET, DELETE"),
        ("GET", f"/jobs/{UNKNOWN}/cancel", "POST"),
        ("POST", f"/jobs/{UNKNOWN}/model", "GET, HEAD"),
        ("PATCH", "/datasets", "GET, POST"),
        ("PUT", "/datasets/x", "GET, DELETE"),
        ("PUT", "/models", "GET, POST"),
        ("POST", "/models/x", "GET, DELETE"),
        ("POST", "/models/x/file", "GET, HEAD"),
        ("POST", f"/blobs/{'0' * 64}", "GET, HEAD, PUT"),
        ("GET", "/specs/validate", "POST"),
        ("POST", "/healthz", "GET"),
        ("NONSENSE", "/workers", "GET"),
    ],
)
def test_other_method_is_a_405_that_lists_the_allowed_ones(
    http: httpx2.Client, method: str, path: str, allowed: str
) -> None:
    answer = http.request(method, path)
    is_problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == allowed


@pytest.mark.parametrize(
    ("path", "parameter"),
    [
        ("/jobs?limit=0", "limit"),
        ("/jobs?limit=101", "limit"),
        ("/jobs?limit=many", "limit"),
        ("/jobs?status=done", "status"),
        ("/jobs?stauts=queued", "stauts"),
        ("/jobs?label=novalue", "label"),
        ("/jobs?label==x", "label"),
        ("/jobs?label=a=1&label=a=2", "label"),
        ("/datasets?limit=-1", "limit"),
        ("/models?limit=x", "limit"),
        ("/workers?limit=1", "limit"),
        ("/healthz?deep=1", "deep"),
    ],
)
def test_a_faulty_query_is_a_422_that_names_the_parameter(http: httpx2.Client, path: str, parameter: str) -> None:
    place, detail = fault(http.get(path))
    assert place == parameter
    assert detail


PATHS_WITH_IDS = {
    "GET": """/jobs/{} /jobs/{}/metrics /jobs/{}/events /jobs/{}/model /datasets/{} /blobs/{}
              /models/{} /models/{}/file /models/{}/spec""",
    "POST": "/jobs/{}/cancel",
    "DELETE": "/jobs/{} /datasets/{} /models/{}",
}


@pytest.mark.parametrize(
    "text", ["%00", "%0d%0a", "..%2f..", "é", "😀", "a" * 5000, "%ff", "{job_id}", "*", "job_%00", "'", "-1", "~"]
)
def test_strange_ids_and_queries_are_never_an_internal_error(http: httpx2.Client, text: str) -> None:
    for method, paths in PATHS_WITH_IDS.items():
        for path in paths.split():
            is_problem(http.request(method, path.format(text)), 404)
    for path in ("/jobs?after={}", "/datasets?after={}", "/models?after={}", "/jobs?label={}=x", "/problems/{}"):
        assert http.get(path.format(text)).status_code < 500


STRANGE_BODIES = [
    {},
    {"model": {"spec": {}}, "dataset": "x"},
    {"model": {"spec": {"layers": [{"type": "convolution"}] * 50}}, "dataset": "x"},
    {"model": {"spec": {"layers": {"a": 1}, "inputs": "x", "optimizer": [], "loss": 3}}, "dataset": {"id": ""}},
    {"model": {"preset": "\u0000"}, "dataset": "\u0000"},
    {"model": {"preset": "mnist-cnn", "spec": {}}, "dataset": "x" * 10_000},
    {"model": {"preset": "mnist-cnn"}, "dataset": "x", "hyperparameters": {"epochs": 10**400, "learning_rate": -1}},
    {"model": {"preset": "mnist-cnn"}, "dataset": "x", "labels": {"a" * 300: "b"}},
    {"": {"": {"": []}}},
]


@pytest.mark.parametrize("body", STRANGE_BODIES)
@pytest.mark.parametrize("path", ACCEPTED)
def test_strange_bodies_are_refused_with_pointers(http: httpx2.Client, path: str, body: dict[str, Any]) -> None:
    problem = is_problem(http.post(path, content=json.dumps(body).encode(), headers=JSON), 422, "invalid-request")
    assert problem["errors"]
    for error in problem["errors"]:
        assert error["pointer"] == "" or error["pointer"].startswith("/")
        assert error["detail"]


def test_request_id_is_generated_or_taken_from_the_client(http: httpx2.Client) -> None:
    assert len(http.get("/nothing").headers["x-request-id"]) == 32
    assert http.get("/healthz", headers={"x-request-id": "my-id-12345"}).headers["x-request-id"] == "my-id-12345"
    assert http.get("/healthz", headers={"x-request-id": "{evil} id"}).headers["x-request-id"] != "{evil} id"


def test_fault_truncates_long_names(http: httpx2.Client, job_request: dict[str, Any]) -> None:
    long = "k" * 300_000
    problem = is_problem(http.post("/jobs", json={**job_request, long: 1, "dataset": long}), 422)
    assert len(json.dumps(problem)) < 10_000
    assert "more characters)" in json.dumps(problem)
