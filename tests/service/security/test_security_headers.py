import httpx2
import pytest
from pydantic import SecretStr

from tests.service.conftest import MakeService

JOB = f"job_{'0' * 26}"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/"),
        ("GET", "/docs"),
        ("GET", "/docs/assets/swagger-ui.css"),
        ("GET", "/docs/start.js"),
        ("GET", "/openapi.json"),
        ("GET", "/healthz"),
        ("GET", "/jobs"),
        ("GET", "/nothing"),
        ("GET", f"/jobs/{JOB}/events"),
        ("POST", "/jobs"),
        ("PUT", "/jobs"),
        ("HEAD", f"/blobs/{'0' * 64}"),
        ("GET", "/problems/not-found"),
    ],
)
def test_every_response_has_security_headers(http: httpx2.Client, method: str, path: str) -> None:
    check(http.request(method, path))


def test_gate_refusal_has_security_headers(http: httpx2.Client) -> None:
    check(http.get("/jobs", headers={"host": "evil.example"}))
    check(http.get("/jobs", headers={"origin": "http://evil.example"}))


def test_response_without_redis_has_security_headers(make_service: MakeService) -> None:
    service = make_service(redis_url=SecretStr("redis://127.0.0.1:1/0"))
    with service.client() as http:
        answer = http.get("/jobs")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
    check(answer)


def check(answer: httpx2.Response) -> None:
    headers = answer.headers
    expected = {
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
        "x-frame-options": "DENY",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    assert {name: headers.get(name) for name in expected} == expected
    assert "x-request-id" in headers
    policy = headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'none'"
    assert "frame-ancestors 'none'" in policy
    if headers.get("content-type", "").startswith("text/html"):
        assert {"script-src 'self'", "base-uri 'none'", "form-action 'none'"} <= set(policy)
