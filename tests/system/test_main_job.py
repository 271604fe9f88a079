"""The main job with the curl commands of the REST contract, against real processes."""

import base64
import hashlib
import json
import shlex
import subprocess
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import coremltools
import pytest

from pippin.client.streams import EventStreamParser, ServerSentEvent
from pippin.datasets import sample
from pippin.datasets.arrays import open_arrays
from pippin.models.mlmodel import read
from pippin.network import predict

SUBMIT = """curl -si URL/jobs -H 'content-type: application/json' -d '{
  "model": {"preset": "mnist-cnn"}, "dataset": "mnist-sample",
  "hyperparameters": {"epochs": 3, "learning_rate": 0.001}}'"""
FOLLOW = "curl -sN URL/jobs/JOB/metrics -H 'accept: text/event-stream'"


@dataclass
class Terminal:
    """Runs curl command lines, in which URL and JOB stand for the service's address and the job."""

    folder: Path
    url: str
    job: str = ""

    def words(self, line: str) -> list[str]:
        return shlex.split(line.replace("URL", self.url).replace("JOB", self.job))

    def run(self, line: str) -> str:
        """The stdout of the command."""
        done = subprocess.run(self.words(line), cwd=self.folder, capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    def answer(self, line: str) -> tuple[int, dict[str, str], str]:
        """The status, the headers and the body from the output of `curl -i`."""
        head, _, body = self.run(line).partition("\n\n")
        status, *headers = head.splitlines()
        pairs = (line.partition(":") for line in headers)
        return int(status.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, body

    def events(self, line: str) -> list[ServerSentEvent]:
        return EventStreamParser().feed(self.run(line).encode())


@dataclass
class Watched:
    """The job from its submission to its end.

    Attributes:
        events: The events of its stream, in order.
        status_then: The job's status right after each event.
    """

    terminal: Terminal
    events: list[ServerSentEvent]
    status_then: list[str]


@pytest.fixture(scope="module")
def watched(running_up: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    terminal = Terminal(tmp_path_factory.mktemp("terminal"), running_up.url)
    status, headers, body = terminal.answer(SUBMIT)
    terminal.job = json.loads(body)["id"]
    assert status == 202
    assert headers["location"] == f"/jobs/{terminal.job}"
    recorded = Watched(terminal, [], [])
    parser = EventStreamParser()
    with subprocess.Popen(terminal.words(FOLLOW), stdout=subprocess.PIPE) as stream:
        assert stream.stdout is not None
        for line in stream.stdout:
            for event in parser.feed(line):
                recorded.events.append(event)
                recorded.status_then.append(json.loads(terminal.run("curl -s URL/jobs/JOB"))["status"])
    assert stream.returncode == 0
    return recorded


def test_every_epoch_arrives_once_and_then_the_end(watched: Watched) -> None:
    assert [event.type for event in watched.events] == ["epoch"] * 3 + ["end"]
    assert [json.loads(event.data)["epoch"] for event in watched.events[:3]] == [1, 2, 3]
    assert json.loads(watched.events[-1].data)["status"] == "succeeded"


def test_epochs_arrive_while_the_job_still_trains(watched: Watched) -> None:
    assert watched.status_then[:2] == ["running"] * 2
    assert watched.status_then[-1] == "succeeded"


def test_resumed_stream_neither_loses_nor_repeats_events(watched: Watched) -> None:
    for index, event in enumerate(watched.events[:-1]):
        assert watched.terminal.events(f"{FOLLOW} -H 'last-event-id: {event.id}'") == watched.events[index + 1 :]
    assert watched.terminal.events(FOLLOW) == watched.events


def test_resuming_after_the_end_is_a_204(watched: Watched) -> None:
    line = FOLLOW.replace("-sN", "-siN") + f" -H 'last-event-id: {watched.events[-1].id}'"
    assert watched.terminal.answer(line)[0] == 204


def test_metrics_history_equals_the_stream(watched: Watched) -> None:
    history = json.loads(watched.terminal.run("curl -s URL/jobs/JOB/metrics"))
    assert (history["job"], history["status"]) == (watched.terminal.job, "succeeded")
    assert history["data"] == [json.loads(event.data) for event in watched.events[:3]]


def test_the_loss_falls_and_the_digits_are_learned(watched: Watched) -> None:
    epochs = [json.loads(event.data) for event in watched.events[:3]]
    assert epochs[-1]["loss"] < epochs[0]["loss"] / 3
    assert epochs[-1]["validation_accuracy"] >= 0.95
    assert epochs[-1]["learning_rate"] == 0.001


@pytest.fixture(scope="module")
def downloaded(watched: Watched) -> Path:
    assert watched.terminal.run("curl -sOJ URL/jobs/JOB/model") == ""
    return watched.terminal.folder / "mnist-cnn.mlmodel"


def test_downloaded_model_matches_its_digest_headers(watched: Watched, downloaded: Path) -> None:
    digest = hashlib.sha256(downloaded.read_bytes())
    status, headers, _ = watched.terminal.answer("curl -sI URL/jobs/JOB/model")
    assert status == 200
    assert headers["etag"] == f'"{digest.hexdigest()}"'
    assert headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    artifacts = json.loads(watched.terminal.run("curl -s URL/jobs/JOB"))["artifacts"]
    assert {each["variant"]: each["digest"] for each in artifacts}["trained"] == f"sha256:{digest.hexdigest()}"


def test_coremltools_loads_the_model_as_updatable(downloaded: Path) -> None:
    spec = coremltools.utils.load_spec(str(downloaded))
    assert spec.isUpdatable
    assert spec.specificationVersion == 4
    layers: Any = spec.neuralNetwork.layers
    assert [layer.name for layer in layers if layer.isUpdatable] == ["conv1", "conv2", "hidden1", "hidden2"]


def test_downloaded_model_reaches_the_reported_accuracy(watched: Watched, downloaded: Path, tmp_path: Path) -> None:
    model = read(downloaded.read_bytes())
    arrays = open_arrays(sample.prepare(tmp_path).arrays_path)
    images = arrays["test/image"].astype("float32") / 255
    digits = predict(model.resolved, model.weights, {"image": images})["output"].argmax(1)
    accuracy = (digits == arrays["test/label"][:, 0]).mean()
    assert accuracy == pytest.approx(json.loads(watched.events[2].data)["validation_accuracy"], abs=0.002)
