"""Problem documents (RFC 9457) in answers of the service."""

import json
from typing import Any

import httpx2


def is_problem(answer: httpx2.Response, status: int, kind: str | None = None) -> dict[str, Any]:
    """Assert that an answer is a problem document with this status and of this kind, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = json.loads(answer.content)
    assert problem["status"] == status
    assert problem["instance"] == answer.request.url.raw_path.decode().partition("?")[0]
    assert problem["title"]
    assert problem["detail"]
    assert problem["type"].startswith("/problems/")
    if kind:
        assert problem["type"] == f"/problems/{kind}"
    return dict(problem)


def faults(answer: httpx2.Response) -> dict[str, str]:
    """Assert that an answer refuses an invalid request; the details of its faults by JSON pointer or by parameter."""
    errors = is_problem(answer, 422, "invalid-request")["errors"]
    details = {error.get("pointer", error.get("parameter")): error["detail"] for error in errors}
    assert len(details) == len(errors)
    return details


def fault(answer: httpx2.Response) -> tuple[str, str]:
    """The place and the detail of the only fault of an invalid request."""
    ((place, detail),) = faults(answer).items()
    return place, detail
