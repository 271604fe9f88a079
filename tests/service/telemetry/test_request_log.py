from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any, Protocol

import httpx2
import pytest
import structlog
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from service.sandbox import Sandbox, SandboxError
from service.telemetry.requests import RequestLog

IsProblem = Callable[..., dict[str, Any]]


class Service(Protocol):
    server: Any


async def failing(_: Scope, __: Receive, ___: Send) -> None:
    raise RuntimeError("the password is hunter2")


async def failing_late(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("too late")


def test_an_internal_error_tells_the_client_an_id_and_the_log_the_reason(is_problem: IsProblem) -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as log:
        answer = TestClient(RequestLog(failing)).get("/somewhere")
    problem = is_problem(answer, 500, "internal-error")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert problem["id"] == answer.headers["x-request-id"]
    unhandled = next(line for line in log if line["event"] == "unhandled")
    assert unhandled["request_id"] == problem["id"]
    assert unhandled["exc_info"]


def test_an_answer_that_has_begun_is_broken_off() -> None:
    with pytest.raises(RuntimeError, match="too late"):
        TestClient(RequestLog(failing_late)).get("/somewhere")


def test_a_store_that_fails_in_an_unknown_way_is_an_internal_error(
    http: httpx2.Client, service: Service, is_problem: IsProblem, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = service.server.config.app.state
    monkeypatch.setitem(state._state, "services", replace(state.services, store=object()))
    is_problem(http.get("/jobs"), 500, "internal-error")


def test_what_fails_in_the_sandbox_is_logged_with_the_request_too(capfd: pytest.CaptureFixture[str]) -> None:
    of_request = structlog.contextvars.bound_contextvars(request_id="the-request")
    with closing(Sandbox({"fail": "operator:itemgetter"})) as sandbox, of_request, pytest.raises(SandboxError):
        sandbox.run("fail", {"no": "such argument"}, seconds=20)
    crashed = [line for line in capfd.readouterr().err.splitlines() if "a task crashed" in line]
    assert crashed
    assert "the-request" in crashed[0]
