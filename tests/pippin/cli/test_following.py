"""Following a job until it ends, and the messages about what a queued job waits for."""

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

from pippin.cli.following import Waiting
from pippin.errors import PippinError
from tests.pippin.cli.conftest import JOB, Invoke, Processes, Terminal
from tests.support.processes import stderr_of, stdout_of
from tests.support.waiting import wait_for

NO_MAC = "No live worker has the coreml engine"
LONG = JOB.replace("{seed: 7}", "{epochs: 100000}")


@pytest.fixture
def queued(with_service: Invoke, job_file: Path) -> str:
    """A job that waits for a Mac."""
    return with_service.ok("submit", job_file, "--engine", "coreml").strip()


def test_following_as_json_prints_the_job_its_epochs_and_the_job_again(followed: list[dict[str, Any]]) -> None:
    first, *_, last = followed
    assert [line.get("epoch") for line in followed] == [None, 1, 2, 3, None]
    assert (first["status"], last["status"]) == ("queued", "succeeded")
    assert first["id"] == last["id"]


def test_following_in_a_pipe_prints_a_line_per_epoch(with_service: Invoke, job_file: Path) -> None:
    job_id, state, *lines = with_service.ok("submit", job_file, "--follow").splitlines()
    assert state == "queued"
    epochs = [line.split("  ")[0] for line in lines if line.startswith("epoch")]
    assert epochs == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert lines[-2:] == [f"{job_id} succeeded.", f"Download its model: pippin download {job_id}"]


@pytest.mark.full
def test_following_at_a_terminal_shows_a_progress_bar(processes: Processes, finished: dict[str, Any]) -> None:
    with Terminal(processes, "metrics", finished["id"], "--follow") as terminal:
        assert terminal.end() == 0
    for text in ("━", "epoch 3/3  loss", "succeeded"):
        assert text in terminal.shown
    assert " left" not in terminal.shown.rpartition("3/3")[2]  # no time is left of a job that has ended


@pytest.mark.full
def test_following_at_a_terminal_shows_the_waiting_reason(
    processes: Processes, with_service: Invoke, queued: str
) -> None:
    with Terminal(processes, "metrics", queued, "--follow") as terminal:
        terminal.read_until(NO_MAC)
        with_service.ok("cancel", queued)
        assert terminal.end() == 1
    assert terminal.shown.count("No live worker") == 1


@pytest.mark.full
def test_following_as_json_prints_the_waiting_reason_on_stderr(
    processes: Processes, with_service: Invoke, queued: str
) -> None:
    with processes.start("metrics", queued, "--follow", "--json") as following:
        assert stderr_of(following).readline().startswith(NO_MAC)
        with_service.ok("cancel", queued)
        assert [json.loads(line)["status"] for line in stdout_of(following)] == ["cancelled"]
        assert following.wait(60) == 1


@pytest.mark.full
def test_cancelled_job_ends_its_followers_with_1(processes: Processes, with_service: Invoke, job_file: Path) -> None:
    job_file.write_text(LONG)
    job_id = with_service.ok("submit", job_file).strip()
    with processes.start("metrics", job_id, "--follow") as following:
        next(line for line in stdout_of(following) if line.startswith("epoch"))
        said = with_service.ok("cancel", job_id)
        assert said in {f"{job_id} is cancelling.\n", f"{job_id} is cancelled.\n"}
        stdout_of(following).read()
        assert f"{job_id} was cancelled" in stderr_of(following).read()
        assert following.wait(60) == 1


@pytest.mark.full
def test_ctrl_c_stops_following_but_not_the_job(processes: Processes, with_service: Invoke, job_file: Path) -> None:
    job_file.write_text(LONG)
    with processes.start("submit", job_file, "--follow") as following:
        job_id = stdout_of(following).readline().strip()
        next(line for line in stdout_of(following) if line.startswith("epoch"))
        following.send_signal(signal.SIGINT)
        stdout_of(following).read()
        said = stderr_of(following).read()
        assert following.wait(60) == 130
    assert (
        f"the job continues. Follow it again: pippin metrics {job_id} --follow. Cancel it: pippin cancel {job_id}"
        in said
    )
    assert with_service.json("job", job_id)["status"] == "running"
    with_service.ok("cancel", job_id)


@pytest.mark.full
def test_following_continues_while_a_job_is_paused(processes: Processes, with_service: Invoke, queued: str) -> None:
    with_service.ok("pause", queued)
    with processes.start("metrics", queued, "--follow") as following:
        assert [stdout_of(following).readline() for _ in range(3)] == [
            "queued\n",
            "paused\n",
            f"The job is paused. Resume it: pippin resume {queued}\n",
        ]
        assert following.poll() is None
        with_service.ok("resume", queued)
        assert stdout_of(following).readline() == "queued\n"
        assert NO_MAC in stdout_of(following).readline()
        with_service.ok("cancel", queued)
        assert following.wait(60) == 1


@pytest.mark.full
def test_a_retry_can_be_followed(processes: Processes, with_service: Invoke, queued: str) -> None:
    with_service.ok("cancel", queued)
    with processes.start("retry", queued, "--follow", "--json") as following:
        new = json.loads(stdout_of(following).readline())
        assert (new["retry_of"], new["status"]) == (queued, "queued")
        with_service.ok("cancel", new["id"])
        assert [json.loads(line)["status"] for line in stdout_of(following)] == ["cancelled"]
        assert following.wait(60) == 1


class Answers:
    """Scripted answers of a service, the last repeated; `at_the_last` is set at the first query for it."""

    def __init__(self, *answers: str | PippinError | None) -> None:
        self._answers = list(answers)
        self.at_the_last = threading.Event()
        self.count = 0

    def __call__(self) -> str | None:
        self.count += 1
        if len(self._answers) == 1:
            self.at_the_last.set()
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, PippinError):
            raise answer
        return answer


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        pytest.param(
            ["no worker", "no worker", "no Mac", "no Mac", None], ["no worker", "no Mac"], id="once per change"
        ),
        pytest.param(["no worker", None, "no worker", None], ["no worker", "no worker"], id="again when it returns"),
        pytest.param(
            ["no worker", PippinError("away"), "no worker", "no Mac", None],
            ["no worker", "no Mac"],
            id="across an unavailable service",
        ),
    ],
)
def test_waiting_reason_is_printed(answers: list[str | PippinError | None], expected: list[str]) -> None:
    service = Answers(*answers)
    messages: list[str] = []
    with Waiting(service, messages.append, seconds=0.001) as waiting:
        waiting.set_waiting(True)
        assert service.at_the_last.wait(20)
    assert messages == expected


def test_service_is_queried_only_while_the_job_is_queued() -> None:
    service = Answers("no worker")
    messages: list[str] = []
    with Waiting(service, messages.append, seconds=0.001) as waiting:
        waiting.set_waiting(False)
        assert not service.at_the_last.wait(0.05)
        waiting.set_waiting(True)
        wait_for(lambda: service.count > 3)
    assert messages == ["no worker"]
