import hashlib
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.blobs import BlobError, BlobRefusedError, Blobs
from pippin.store import Store
from pippin.tokens import issue

LARGE = b"x" * 20_000_000
IsProblem = Callable[..., dict[str, Any]]

CONTENT = b"weights"
PATH = f"/blobs/{hashlib.sha256(CONTENT).hexdigest()}"


@pytest.fixture
def token(store: Store) -> str:
    """A live worker token, the first one."""
    made = issue("worker", "mac-mini")
    store.tokens.add(made)
    return made.text


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def test_blobs_are_open_until_the_first_worker_token_is_made(http: httpx2.Client) -> None:
    assert http.put(PATH, content=CONTENT).status_code == 204
    assert http.get(PATH).content == CONTENT


def test_from_then_on_they_open_to_a_live_token_only(http: httpx2.Client, token: str, is_problem: IsProblem) -> None:
    assert http.put(PATH, content=CONTENT, headers=bearer(token)).status_code == 204
    assert http.get(PATH, headers=bearer(token)).content == CONTENT
    assert http.head(PATH, headers={"authorization": f"bearer {token}"}).status_code == 200
    for method in ("GET", "PUT"):
        answer = http.request(method, PATH, content=CONTENT if method == "PUT" else None)
        is_problem(answer, 401, "unauthorized")
        # RFC 6750, section 3.1: no error code for who showed no token.
        assert answer.headers["www-authenticate"] == 'Bearer realm="pippin"'
    assert http.head(PATH).status_code == 401


@pytest.mark.parametrize("shown", ["nonsense", issue("worker", None).text], ids=["nonsense", "never-kept"])
def test_a_token_that_is_not_live_is_called_invalid(
    http: httpx2.Client,
    token: str,  # noqa: ARG001 (makes the service demand one)
    shown: str,
    is_problem: IsProblem,
) -> None:
    answer = http.get(PATH, headers=bearer(shown))
    assert shown not in is_problem(answer, 401, "unauthorized")["detail"]
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_another_scheme_than_bearer_is_no_token(http: httpx2.Client, token: str) -> None:
    assert http.get(PATH, headers={"authorization": f"Basic {token}"}).status_code == 401


def test_a_revoked_token_is_refused_by_the_next_request(http: httpx2.Client, token: str, store: Store) -> None:
    http.put(PATH, content=CONTENT, headers=bearer(token))
    store.tokens.revoke(store.tokens.all()[0].id)
    assert http.get(PATH, headers=bearer(token)).status_code == 401


def test_who_may_not_come_in_learns_nothing_of_names(http: httpx2.Client, token: str) -> None:
    assert http.get("/blobs/abc").status_code == 401
    assert http.get("/blobs/abc", headers=bearer(token)).status_code == 404


def test_other_routes_stay_open(http: httpx2.Client, token: str) -> None:  # noqa: ARG001 (makes the service demand one)
    assert http.get("/jobs").status_code == 200


def test_the_contract_names_the_scheme_on_these_routes_alone(http: httpx2.Client) -> None:
    document = http.get("/openapi.json").json()
    assert document["components"]["securitySchemes"]["workerToken"]["scheme"] == "bearer"
    guarded = {
        path for path, item in document["paths"].items() for operation in item.values() if "security" in operation
    }
    assert guarded == {"/blobs/{sha256}"}


def test_an_upload_that_is_refused_before_it_is_read_is_refused_in_words(http: httpx2.Client, store: Store) -> None:
    with pytest.raises(BlobError, match="PIPPIN_MAX_DATASET_BYTES"):
        Blobs(str(http.base_url)).put_bytes(LARGE)
    store.tokens.add(issue("worker", None))
    with pytest.raises(BlobRefusedError, match="demands a worker token"):
        Blobs(str(http.base_url)).put_bytes(LARGE)
