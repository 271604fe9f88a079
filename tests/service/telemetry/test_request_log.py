from contextlib import closing
from dataclasses import replace

import httpx2
import pytest
import structlog
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from service.sandbox import Sandbox, SandboxError
from service.telemetry.requests import RequestLog
from tests.service.conftest import RunningService
from tests.support.problems import is_problem


async def failing(_: Scope, __: Receive, ___: Send) -> None:
    raise RuntimeError("the password is hunter2")


async def failing_late(_: Scope, __: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("too late")


def test_internal_error_returns_an_id_and_logs_the_reason() -> None:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as log:
        answer = TestClient(RequestLog(failing)).get("/somewhere")
    problem = is_problem(answer, 500, "internal-error")
    assert "hunter2" not in answer.text
    assert "Traceback" not in answer.text
    assert problem["id"] == answer.headers["x-request-id"]
    unhandled = next(line for line in log if line["event"] == "unhandled")
    assert unhandled["request_id"] == problem["id"]
    assert unhandled["exc_info"]


def test_error_after_the_response_has_started_is_raised() -> None:
    with pytest.raises(RuntimeError, match="too late"):
        TestClient(RequestLog(failing_late)).get("/somewhere")


def test_unexpected_store_error_is_an_internal_error(
    http: httpx2.Client, service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = service.state
    monkeypatch.setitem(state._state, "services", replace(state.services, store=object()))
    is_problem(http.get("/jobs"), 500, "internal-error")


def test_sandbox_crash_is_logged_with_the_request_id(capfd: pytest.CaptureFixture[str]) -> None:
    of_request = structlog.contextvars.bound_contextvars(request_id="the-request")
    with closing(Sandbox({"fail": "operator:itemgetter"})) as sandbox, of_request, pytest.raises(SandboxError):
        sandbox.run("fail", {"no": "such argument"}, seconds=20)
    crashed = [line for line in capfd.readouterr().err.splitlines() if "a task crashed" in line]
    assert crashed
    assert "the-request" in crashed[0]
