"""Sessions for browsers, whose EventSource and downloads send no bearer token."""

from collections.abc import Iterator
from http.cookies import SimpleCookie

import httpx2
import pytest

from pippin.api.tokens import issue
from pippin.store import Store
from tests.service.conftest import Trained
from tests.support.problems import is_problem


@pytest.fixture
def browser(http: httpx2.Client, store: Store) -> Iterator[httpx2.Client]:
    """A client with the cookie of its session."""
    token = issue("submit", "ada")
    store.tokens.add(token)
    begun = http.post("/session", headers={"authorization": f"Bearer {token.text}"})
    assert begun.status_code == 201, begun.text
    yield http
    http.cookies.clear()


@pytest.fixture
def own_origin(http: httpx2.Client) -> dict[str, str]:
    """The headers that one of the service's own pages sends with an unsafe request."""
    return {"origin": str(http.base_url).rstrip("/")}


def test_session_cookie_is_httponly_and_samesite_strict(http: httpx2.Client, store: Store) -> None:
    token = issue("read", None, tenant="team-a")
    store.tokens.add(token)
    begun = http.post("/session", headers={"authorization": f"Bearer {token.text}"})
    (cookie,) = SimpleCookie(begun.headers["set-cookie"]).values()
    attributes = {name: cookie[name] for name in ("httponly", "samesite", "path", "max-age", "secure")}
    assert attributes == {"httponly": True, "samesite": "strict", "path": "/", "max-age": "43200", "secure": ""}
    assert begun.headers["cache-control"] == "no-store"
    assert token.text.rpartition("_")[2] not in cookie.value
    answer = begun.json()
    assert answer.pop("expires_at")
    assert answer == {"role": "read", "tenant": "team-a", "token": token.record.id}
    http.cookies.clear()


def test_streams_and_downloads_work_with_the_cookie_only(
    browser: httpx2.Client, trained: Trained, digits: bytes
) -> None:
    job_id = trained(digits)
    with browser.stream("GET", f"/jobs/{job_id}/events", headers={"accept": "text/event-stream"}) as stream:
        assert stream.status_code == 200
        assert "event: end" in "".join(stream.iter_text())
    assert browser.get(f"/jobs/{job_id}/model").content == digits
    assert browser.get("/session").json()["role"] == "submit"


@pytest.mark.parametrize(
    ("method", "path"),
    [("POST", "/jobs"), ("POST", "/datasets?name=x"), ("DELETE", "/datasets/x"), ("DELETE", "/session")],
)
def test_unsafe_methods_need_the_services_own_origin(
    browser: httpx2.Client, own_origin: dict[str, str], method: str, path: str
) -> None:
    is_problem(browser.request(method, path), 403, "foreign-origin")
    is_problem(browser.request(method, path, headers={"origin": "http://evil.example"}), 403, "foreign-origin")
    assert browser.request(method, path, headers=own_origin).status_code in {204, 404, 415, 422}


def test_session_has_its_tokens_role_and_cannot_start_another(
    browser: httpx2.Client, own_origin: dict[str, str]
) -> None:
    is_problem(browser.get(f"/blobs/{'0' * 64}"), 403, "forbidden")
    is_problem(browser.post("/session", headers=own_origin), 401, "unauthorized")


def test_delete_ends_the_session(browser: httpx2.Client, own_origin: dict[str, str]) -> None:
    secret = dict(browser.cookies)["pippin_session"]
    ended = browser.delete("/session", headers=own_origin)
    assert ended.status_code == 204
    assert dict(browser.cookies) == {}
    assert browser.get("/jobs", headers={"cookie": f"pippin_session={secret}"}).status_code == 401


def test_revoked_token_ends_the_session(browser: httpx2.Client, store: Store) -> None:
    assert browser.get("/jobs").status_code == 200
    store.tokens.revoke(store.tokens.all()[0].id)
    answer = browser.get("/jobs")
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_bearer_token_takes_precedence_over_the_cookie(browser: httpx2.Client) -> None:
    assert browser.get("/jobs", headers={"authorization": "Bearer nonsense"}).status_code == 401


def test_session_without_a_token_is_refused(http: httpx2.Client) -> None:
    is_problem(http.post("/session"), 401, "unauthorized")
