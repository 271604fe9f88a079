"""The doctor's check of the service, over real HTTP."""

import pytest

from pippin.cli.doctor.findings import Level
from pippin.cli.doctor.servers import check_service
from tests.conftest import Up
from tests.support.scripted_server import Answer, ScriptedServer

UNREADY = {"type": "about:blank", "title": "Unavailable", "status": 503, "detail": "Redis cannot be reached"}


def test_ready_service_is_ok(running_up: Up) -> None:
    finding = check_service(running_up.url, named=True)
    assert (finding.level, finding.result) == (Level.OK, f"{running_up.url} is ready")


def test_absent_service_is_a_fault_only_if_named() -> None:
    absent = "http://127.0.0.1:1"
    assert check_service(absent, named=True).level is Level.FAULT
    finding = check_service(absent, named=False)
    assert finding.level is Level.WARNING
    assert "PIPPIN_URL" in finding.advice


@pytest.mark.parametrize(
    ("answer", "result", "advice"),
    [
        pytest.param(
            Answer(503, UNREADY, {"content-type": "application/problem+json"}),
            "is not ready: Redis cannot be reached",
            "/readyz",
            id="unready",
        ),
        pytest.param(
            Answer(404, b"nothing here", {"content-type": "text/plain"}),
            "is not a Pippin service",
            "",
            id="another server",
        ),
    ],
)
def test_service_that_is_not_ready_is_a_fault(answer: Answer, result: str, advice: str) -> None:
    with ScriptedServer(answer) as server:
        finding = check_service(server.url, named=True)
    assert finding.level is Level.FAULT
    assert result in finding.result
    assert advice in finding.advice
