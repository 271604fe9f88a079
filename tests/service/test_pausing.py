import json
from typing import Any

import httpx2
import pytest

from pippin.api.checkpoints import Resumption
from tests.service.conftest import MakeTrainer, Save, Submit
from tests.support.problems import fault, is_problem


def test_queued_job_is_paused_at_once_and_resumed(http: httpx2.Client, submit: Submit) -> None:
    path = f"/jobs/{submit()['id']}"
    for _ in range(2):
        answer = http.post(f"{path}/pause")
        assert (answer.status_code, answer.json()["status"]) == (202, "paused")
    for _ in range(2):
        answer = http.post(f"{path}/resume")
        assert (answer.status_code, answer.json()["status"]) == (202, "queued")
    assert http.get("/jobs", params={"status": "paused"}).json()["data"] == []


def test_running_job_pauses_via_its_worker_and_resumes_from_a_checkpoint(
    http: httpx2.Client, start_job: MakeTrainer, save: Save
) -> None:
    attempt = start_job()
    path = attempt.path
    assert http.post(f"{path}/pause").json()["status"] == "pausing"
    attempt.store.attempts.checkpoint(attempt.claim, save(0, step=3))
    attempt.store.attempts.paused(attempt.claim)
    job = http.get(path).json()
    assert (job["status"], job["attempts"][0]["status"]) == ("paused", "paused")
    assert (job["checkpoint"]["epoch"], job["checkpoint"]["step"]) == (0, 3)
    assert http.post(f"{path}/resume").json()["status"] == "queued"
    notice = "It computes with another number of threads."
    attempt.begin(2, Resumption(epoch=0, step=3, notice=notice))
    resumed = http.get(path).json()["attempts"][1]["resumed_from"]
    assert resumed == {"epoch": 0, "step": 3, "notice": notice}


def test_pause_or_resume_in_a_wrong_state_is_a_conflict(http: httpx2.Client, start_job: MakeTrainer) -> None:
    attempt = start_job()
    problem = is_problem(http.post(f"{attempt.path}/resume"), 409, "state-conflict")
    assert problem["detail"] == f"{attempt.job_id} cannot be resumed: it is running."
    attempt.succeed()
    for change in ("pause", "resume"):
        assert "it is succeeded" in is_problem(http.post(f"{attempt.path}/{change}"), 409, "state-conflict")["detail"]


@pytest.mark.parametrize("change", ["pause", "resume", "retry"])
def test_unknown_job_is_not_found(http: httpx2.Client, change: str) -> None:
    for job_id in ("job_" + "0" * 26, "nonsense"):
        is_problem(http.post(f"/jobs/{job_id}/{change}"), 404, "not-found")


def test_the_stream_of_a_paused_job_stays_open(http: httpx2.Client, submit: Submit, trainer: MakeTrainer) -> None:
    job_id = submit()["id"]
    http.post(f"/jobs/{job_id}/pause")
    with http.stream("GET", f"/jobs/{job_id}/events", headers={"accept": "text/event-stream"}) as stream:
        states = []
        for line in stream.iter_lines():
            if line.startswith("data: ") and '"to"' in line:
                states.append(json.loads(line.removeprefix("data: "))["to"])
                if states[-1] == "paused":
                    http.post(f"/jobs/{job_id}/resume")
                if states[-1] == "queued" and len(states) > 1:
                    trainer(job_id).train()
            if line == "event: end":
                break
    assert states == ["queued", "paused", "queued", "starting", "running", "succeeded"]


def test_checkpoint_policy_can_be_given(http: httpx2.Client, submit: Submit) -> None:
    assert submit()["request"]["checkpoint"] == {"every_epochs": 1, "keep": 3}
    job = submit(checkpoint={"every_epochs": 5})
    assert http.get(f"/jobs/{job['id']}").json()["request"]["checkpoint"] == {"every_epochs": 5, "keep": 3}


@pytest.mark.parametrize(
    ("policy", "pointer"),
    [
        ({"every_epochs": 0}, "/checkpoint/every_epochs"),
        ({"keep": 0}, "/checkpoint/keep"),
        ({"keep": 101}, "/checkpoint/keep"),
        ({"keep": "3"}, "/checkpoint/keep"),
        ({"often": True}, "/checkpoint/often"),
        (3, "/checkpoint"),
    ],
)
def test_invalid_checkpoint_policy_is_refused_with_its_pointer(
    http: httpx2.Client, job_request: dict[str, Any], policy: object, pointer: str
) -> None:
    assert fault(http.post("/jobs", json=job_request | {"checkpoint": policy}))[0] == pointer
