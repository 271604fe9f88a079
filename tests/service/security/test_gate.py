"""Requests that a foreign page can cause a browser to send: Host and Origin checks."""

import socket

import httpx2
import pytest

from service.security.browsers import is_own
from tests.service.conftest import MakeService
from tests.service.security.conftest import AddToken, bearer
from tests.support.problems import is_problem


@pytest.mark.parametrize("host", ["localhost", "localhost:1", "127.0.0.1", "127.0.0.1:80", "127.9.9.9", "[::1]:8000"])
def test_loopback_host_names_are_accepted(http: httpx2.Client, host: str) -> None:
    assert http.get("/jobs", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8000",
        "192.0.2.1",
        "localhost@evil.example",
        "[::1",
        "",
        "0.0.0.0",
    ],
)
def test_foreign_host_names_are_misdirected(http: httpx2.Client, host: str) -> None:
    for path in ("/jobs", "/healthz", "/docs", "/nothing"):
        problem = is_problem(http.get(path, headers={"host": host}), 421, "misdirected")
        assert "PIPPIN_ALLOWED_HOSTS" in problem["detail"]


@pytest.mark.parametrize("head", [b"GET /jobs HTTP/1.0\r\n\r\n", b"GET /jobs HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"])
def test_missing_or_duplicate_host_header_is_refused(http: httpx2.Client, head: bytes) -> None:
    with socket.create_connection(("127.0.0.1", http.base_url.port), timeout=60) as connection:
        connection.sendall(head)
        assert connection.recv(1000).split()[1] in {b"400", b"421"}


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1", "file://", "", "x"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/jobs"), ("POST", "/jobs"), ("DELETE", "/session")])
def test_foreign_origin_is_refused(http: httpx2.Client, method: str, path: str, origin: str) -> None:
    answer = http.request(method, path, headers={"origin": origin})
    is_problem(answer, 403, "foreign-origin")
    assert "access-control-allow-origin" not in answer.headers


def test_own_origin_is_accepted(http: httpx2.Client) -> None:
    answer = http.get("/jobs", headers={"origin": str(http.base_url).rstrip("/")})
    assert answer.status_code == 200
    assert "access-control-allow-origin" not in answer.headers


def test_configured_host_behind_tls_is_accepted(make_service: MakeService, add_token: AddToken) -> None:
    service = make_service(allowed_hosts=("Pippin.example.com",))
    with httpx2.Client(base_url=service.url, timeout=60, headers=bearer(add_token("read"))) as http:
        for host in ("pippin.example.com", "PIPPIN.example.com:443", "localhost"):
            assert http.get("/jobs", headers={"host": host}).status_code == 200
        own = {"host": "pippin.example.com", "origin": "https://pippin.example.com"}
        assert http.get("/jobs", headers=own).status_code == 200
        assert http.get("/jobs", headers={"host": "other.example.com"}).status_code == 421
        begun = http.post("/session", headers=own)
        assert "; Secure" in begun.headers["set-cookie"]


def test_service_on_all_addresses_accepts_ip_hosts_only(make_service: MakeService) -> None:
    service = make_service(host="0.0.0.0")
    with httpx2.Client(base_url=service.url.replace("0.0.0.0", "127.0.0.1"), timeout=60) as http:
        assert http.get("/healthz", headers={"host": "192.0.2.1:8000"}).status_code == 200
        assert http.get("/healthz", headers={"host": "evil.example"}).status_code == 421


def test_cors_origins_are_accepted_with_a_token(make_service: MakeService, add_token: AddToken) -> None:
    chosen = "https://app.example.com"
    service = make_service(cors_origins=(chosen,))
    token = bearer(add_token())
    with httpx2.Client(base_url=service.url, timeout=60, headers={"origin": chosen}) as http:
        preflight = {
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization, content-type, idempotency-key",
        }
        allowed = http.options("/jobs", headers=preflight)
        assert "access-control-allow-credentials" not in allowed.headers
        for answer, status in ((allowed, 200), (http.get("/jobs", headers=token), 200), (http.get("/jobs"), 401)):
            assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (status, chosen)
        assert http.options("/jobs", headers=preflight | {"origin": "https://evil.example"}).status_code == 403


@pytest.mark.parametrize(
    ("origin", "host", "own"),
    [
        ("http://a:1", "a:1", True),
        ("https://A", "a", True),
        ("http://a", "a:1", False),
        ("ftp://a", "a", False),
        ("a", "a", False),
        ("null", "null", False),
        (None, "a", False),
        ("http://", "", False),
    ],
)
def test_origin_is_own_when_it_matches_the_host(origin: str | None, host: str, own: bool) -> None:
    assert is_own(origin, host) is own
