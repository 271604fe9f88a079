"""`pippin pause`, `resume`, `retry` and `checkpoints` against a whole Pippin; the test is the Core ML worker."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import Result

from pippin.api.checkpoints import Resumption
from pippin.api.jobs import Artifact, Failure
from pippin.api.metrics import EpochMetrics
from pippin.api.states import Reason
from pippin.blobs import Blobs
from pippin.jobs.checkpoints import Checkpoint, write_checkpoint
from pippin.local.valkey import running_url
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from pippin.settings import Settings
from pippin.store import Claim, Store, connect, new_token
from tests.support.records import epoch_metrics, stored_checkpoint

Invoke = Callable[..., Result]

JOB = {
    "name": "small",
    "engine": "coreml",
    "model": {
        "spec": {
            "inputs": [{"name": "image", "shape": [1, 28, 28]}],
            "outputs": [{"name": "digit", "shape": [10]}],
            "layers": [
                {"type": "flatten", "name": "flat"},
                {"type": "inner_product", "name": "dense", "output_channels": 10, "updatable": True},
                {"type": "softmax", "name": "softmax"},
            ],
            "loss": {"type": "categorical_cross_entropy"},
            "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 100},
            "epochs": 3,
        }
    },
    "dataset": "mnist-sample",
}
BIAS = np.arange(10, dtype=np.float32)


@pytest.fixture
def with_service(invoke: Invoke, running_up: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Invoke:
    """`invoke`, with the running service as the one that is asked."""
    monkeypatch.setenv("PIPPIN_URL", running_up.url)
    return invoke


@pytest.fixture
def queued(with_service: Invoke) -> str:
    """A queued job that needs a Mac."""
    return with_service("submit", "-", stdin=json.dumps(JOB)).stdout.strip()


@pytest.fixture
def its_store(running_up: SimpleNamespace) -> Iterator[Store]:
    """The store of the running Pippin."""
    url = running_url(running_up.home)
    assert url
    store = Store(connect(url))
    yield store
    store.close()


@pytest.fixture
def begun(running_up: SimpleNamespace, its_store: Store, queued: str) -> Callable[..., Claim]:
    """Claims the job's next attempt, which finishes its first epoch, with a checkpoint."""
    blobs = Blobs(Settings(home=running_up.home).blobs_url)

    def begin(number: int = 1, resumed: Resumption | None = None) -> Claim:
        attempts = its_store.attempts
        held = Claim("default", queued, number, new_token())
        attempts.claim(held, worker="mac-1", engine="coreml")
        attempts.running(held, resumed)
        if resumed is None:
            model = build(resolve(its_store.jobs.spec("default", queued)))
            url = f"/jobs/{queued}/model?variant=initial"
            digest = blobs.put_bytes(model)
            attempts.artifact(held, Artifact(variant="initial", digest=digest, bytes=len(model), url=url))
            data = write_checkpoint(Checkpoint("coreml", 1, 0, 100, (), {"dense": {"bias": BIAS}}))
            now = datetime.now(UTC)
            stored = stored_checkpoint(engine="coreml", digest=blobs.put_bytes(data), bytes=len(data), created_at=now)
            attempts.epoch(held, _metrics(now), checkpoint=stored)
        return held

    return begin


def _metrics(now: datetime) -> EpochMetrics:
    return epoch_metrics(validation_loss=None, validation_accuracy=0.75, learning_rate=0.1, engine="coreml", time=now)


def test_a_job_is_paused_and_resumed(with_service: Invoke, queued: str) -> None:
    done = with_service("pause", queued)
    assert (done.exit_code, done.stdout) == (0, f"{queued} is paused. Resume it: pippin resume {queued}\n")
    assert json.loads(with_service("pause", queued, "--json").stdout)["status"] == "paused"
    done = with_service("resume", queued)
    assert (done.exit_code, done.stdout) == (0, f"{queued} is queued.\n")
    assert json.loads(with_service("resume", queued, "--json").stdout)["status"] == "queued"
    assert with_service("cancel", queued).exit_code == 0


def test_command_not_allowed_in_the_jobs_state_is_refused(with_service: Invoke, queued: str) -> None:
    assert with_service("retry", queued).exit_code == 3
    assert with_service("cancel", queued).exit_code == 0
    for command in ("pause", "resume"):
        done = with_service(command, queued)
        assert done.exit_code == 3
        assert f"{queued} cannot be {command}d: it is cancelled." in done.stderr


@pytest.mark.parametrize("command", [("pause",), ("resume",), ("retry",), ("checkpoints",), ("checkpoints", "list")])
def test_unknown_job_is_reported(with_service: Invoke, command: tuple[str, ...]) -> None:
    done = with_service(*command, "job_0")
    assert done.exit_code == 3
    assert "There is no job job_0." in done.stderr


@pytest.mark.full
def test_following_continues_while_a_job_is_paused(
    running_up: SimpleNamespace, with_service: Invoke, queued: str
) -> None:
    assert with_service("pause", queued).exit_code == 0
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pippin", "metrics", queued, "--follow"],
        env=os.environ | {"PIPPIN_URL": running_up.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        assert [following.stdout.readline() for _ in range(3)] == [
            "queued\n",
            "paused\n",
            f"The job is paused. Resume it: pippin resume {queued}\n",
        ]
        assert following.poll() is None
        assert with_service("resume", queued).exit_code == 0
        assert following.stdout.readline() == "queued\n"
        assert "No live worker has the coreml engine" in following.stdout.readline()
        assert with_service("cancel", queued).exit_code == 0
        assert following.wait(60) == 1


def test_a_job_is_retried_as_a_new_one(
    with_service: Invoke, queued: str, begun: Callable[..., Claim], its_store: Store
) -> None:
    its_store.attempts.fail(begun(), Failure(code=Reason.ENGINE_ERROR, detail="The engine stopped."))
    fresh = with_service("retry", queued)
    assert (fresh.exit_code, fresh.stdout.startswith("job_")) == (0, True)
    done = with_service("retry", queued, "--from-checkpoint", "--json")
    again = json.loads(done.stdout)
    assert (again["retry_of"], again["checkpoint"]["epoch"], again["progress"]["epoch"]) == (queued, 1, 1)
    shown = with_service("job", again["id"]).stdout
    assert f"retry of    {queued}" in shown
    assert "checkpoint  epoch 1 (" in shown
    assert "checkpoint" not in with_service("job", fresh.stdout.strip()).stdout
    for job_id in (again["id"], fresh.stdout.strip()):
        assert with_service("cancel", job_id).exit_code == 0


def test_a_retry_can_be_followed(running_up: SimpleNamespace, with_service: Invoke, queued: str) -> None:
    assert with_service("cancel", queued).exit_code == 0
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "pippin", "retry", queued, "--follow", "--json"],
        env=os.environ | {"PIPPIN_URL": running_up.url},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as following:
        assert following.stdout is not None
        new = json.loads(following.stdout.readline())
        assert (new["retry_of"], new["status"]) == (queued, "queued")
        assert with_service("cancel", new["id"]).exit_code == 0
        assert [json.loads(line)["status"] for line in following.stdout] == ["cancelled"]
        assert following.wait(60) == 1


def test_job_shows_where_its_attempts_resumed(
    with_service: Invoke, queued: str, begun: Callable[..., Claim], its_store: Store
) -> None:
    held = begun()
    done = with_service("pause", queued)
    assert done.stdout.startswith(f"{queued} is pausing.")
    its_store.attempts.paused(held)
    assert with_service("resume", queued).stdout == f"{queued} is queued, to resume from epoch 1.\n"
    held = begun(2, Resumption(epoch=1, step=4, notice="Core ML keeps no momentum."))
    shown = with_service("job", queued).stdout
    assert (
        "1: paused on mac-1; 2: running on mac-1, resumed from epoch 1 and 4 mini-batches (Core ML keeps no momentum)"
    ) in shown
    its_store.attempts.fail(held, Failure(code=Reason.ENGINE_ERROR, detail="The engine stopped."))


def test_checkpoints_are_listed_and_downloaded(
    *, with_service: Invoke, queued: str, begun: Callable[..., Claim], its_store: Store, tmp_path: Path
) -> None:
    assert with_service("checkpoints", queued).stdout == ""
    held = begun()
    table = with_service("checkpoints", queued).stdout.splitlines()
    assert table[0].split() == ["EPOCH", "ENGINE", "LOSS", "ACCURACY", "SIZE", "CREATED"]
    assert table[1].split()[:4] == ["1", "coreml", "0.5000", "75.00%"]
    (found,) = json.loads(with_service("checkpoints", queued, "--json").stdout)
    assert (found["epoch"], found["metrics"]["loss"]) == (1, 0.5)
    assert with_service("checkpoints", "list", queued).stdout.splitlines()[0] == table[0]
    done = with_service("checkpoints", "download", queued, 1, "-o", tmp_path, "--json")
    file = tmp_path / "small-epoch-1.mlmodel"
    assert json.loads(done.stdout) == {"path": str(file), "bytes": file.stat().st_size}
    np.testing.assert_array_equal(read(file.read_bytes()).weights["dense"]["bias"], BIAS)
    done = with_service("checkpoints", "download", queued, 7)
    assert done.exit_code == 3
    assert "the kept ones are those of 1" in done.stderr
    done = with_service("checkpoints", "download", queued, 1, "-o", tmp_path / "no" / "x.mlmodel")
    assert done.exit_code == 2
    assert "cannot be written" in done.stderr
    its_store.attempts.fail(held, Failure(code=Reason.ENGINE_ERROR, detail="The engine stopped."))
