from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest

from pippin.api.workers import Drain
from pippin.store import Store
from tests.support.problems import is_problem
from tests.support.records import worker_report


@pytest.fixture
def workers(store: Store) -> list[str]:
    """Two live workers."""
    names = ["mac-0a", "mac-1b"]
    for name in names:
        report = worker_report(name=name, state="busy", current_job="job_1", started_at=datetime.now(UTC))
        store.workers.heartbeat(report)
    return names


@pytest.mark.parametrize(
    ("body", "how"),
    [({}, Drain.FINISH), ({"json": {}}, Drain.FINISH), ({"json": {"hand_back": True}}, Drain.HAND_BACK)],
)
def test_worker_is_listed_as_draining_until_undrained(
    http: httpx2.Client, store: Store, workers: list[str], body: dict[str, Any], how: Drain
) -> None:
    answer = http.post("/workers/mac-0/drain", **body)
    assert answer.status_code == 202
    assert (answer.json()["name"], answer.json()["state"]) == ("mac-0a", "draining")
    assert store.workers.drain_of(workers[0]) is how
    assert [each["state"] for each in http.get("/workers").json()["data"]] == ["draining", "busy"]
    for _ in range(2):
        answer = http.delete("/workers/mac-0a/drain")
        assert (answer.status_code, answer.json()["state"]) == (200, "busy")
    assert store.workers.drain_of(workers[0]) is None


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_unknown_or_ambiguous_worker_name_lists_the_candidates(http: httpx2.Client, method: str) -> None:
    problem = is_problem(http.request(method, "/workers/pc/drain"), 404, "not-found")
    assert problem["detail"] == "There is no worker 'pc'; the workers are mac-0a, mac-1b."
    problem = is_problem(http.request(method, "/workers/mac/drain"), 409, "ambiguous-name")
    assert problem["detail"] == "2 workers have a name that begins with 'mac': mac-0a, mac-1b."


@pytest.mark.usefixtures("workers")
@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({"json": {"hand_back": "yes"}}, 422, "/hand_back"),
        ({"json": {"handback": True}}, 422, "/handback"),
        ({"json": []}, 422, "object"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, 400, "malformed"),
        ({"content": b"{}", "headers": {"content-type": "text/plain"}}, 415, "application/json"),
    ],
)
def test_invalid_body_drains_no_worker(
    http: httpx2.Client, store: Store, body: dict[str, Any], status: int, message: str
) -> None:
    answer = http.post("/workers/mac-0a/drain", **body)
    is_problem(answer, status)
    assert message in answer.text
    assert store.workers.drain_of("mac-0a") is None
