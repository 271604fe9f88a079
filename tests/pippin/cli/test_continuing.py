"""`pippin pause`, `resume`, `retry` and `checkpoints` against a whole Pippin; the test is the Core ML worker."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from pippin.api.checkpoints import Resumption
from pippin.api.jobs import Artifact, Failure
from pippin.api.states import Reason
from pippin.blobs import Blobs
from pippin.jobs.checkpoints import Checkpoint, write_checkpoint
from pippin.local.valkey import running_url
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from pippin.settings import Settings
from pippin.store import Claim, Store, connect, new_token
from tests.conftest import Up
from tests.pippin.cli.conftest import Invoke
from tests.support.records import epoch_metrics, stored_checkpoint
from tests.support.specs import digits_spec

JOB = {"name": "small", "engine": "coreml", "model": {"spec": digits_spec()}, "dataset": "mnist-sample"}
BIAS = np.arange(10, dtype=np.float32)
STOPPED = Failure(code=Reason.ENGINE_ERROR, detail="The engine stopped.")


@pytest.fixture
def queued(with_service: Invoke) -> str:
    """A queued job that needs a Mac."""
    return with_service.ok("submit", "-", stdin=json.dumps(JOB)).strip()


@pytest.fixture
def its_store(running_up: Up) -> Iterator[Store]:
    """The store of the running Pippin."""
    store = Store(connect(running_url(running_up.home) or ""))
    yield store
    store.close()


@pytest.fixture
def begun(running_up: Up, its_store: Store, queued: str) -> Callable[..., Claim]:
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
            metrics = epoch_metrics(validation_loss=None, validation_accuracy=0.75, engine="coreml", time=now)
            attempts.epoch(held, metrics, checkpoint=stored)
        return held

    return begin


def test_a_job_is_paused_and_resumed(with_service: Invoke, queued: str) -> None:
    assert with_service.ok("pause", queued) == f"{queued} is paused. Resume it: pippin resume {queued}\n"
    assert with_service.json("pause", queued)["status"] == "paused"
    assert with_service.ok("resume", queued) == f"{queued} is queued.\n"
    assert with_service.json("resume", queued)["status"] == "queued"
    with_service.ok("cancel", queued)


def test_command_not_allowed_in_the_jobs_state_is_refused(with_service: Invoke, queued: str) -> None:
    with_service.refused(3, "retry", queued)
    with_service.ok("cancel", queued)
    for command in ("pause", "resume"):
        refusal = with_service.refused(3, command, queued)
        assert f"{queued} cannot be {command}d: it is cancelled." in refusal


@pytest.mark.parametrize("command", ["pause", "resume", "retry", "checkpoints", "checkpoints list"])
def test_unknown_job_is_reported(with_service: Invoke, command: str) -> None:
    assert "There is no job job_0." in with_service.refused(3, *command.split(), "job_0")


def test_a_job_is_retried_as_a_new_one(
    with_service: Invoke, queued: str, begun: Callable[..., Claim], its_store: Store
) -> None:
    its_store.attempts.fail(begun(), STOPPED)
    fresh = with_service.ok("retry", queued).strip()
    assert fresh.startswith("job_")
    again = with_service.json("retry", queued, "--from-checkpoint")
    assert (again["retry_of"], again["checkpoint"]["epoch"], again["progress"]["epoch"]) == (queued, 1, 1)
    shown = with_service.ok("job", again["id"])
    assert f"retry of    {queued}" in shown
    assert "checkpoint  epoch 1 (" in shown
    assert "checkpoint" not in with_service.ok("job", fresh)
    for job_id in (again["id"], fresh):
        with_service.ok("cancel", job_id)


def test_job_shows_where_its_attempts_resumed(
    with_service: Invoke, queued: str, begun: Callable[..., Claim], its_store: Store
) -> None:
    held = begun()
    assert with_service.ok("pause", queued).startswith(f"{queued} is pausing.")
    its_store.attempts.paused(held)
    assert with_service.ok("resume", queued) == f"{queued} is queued, to resume from epoch 1.\n"
    held = begun(2, Resumption(epoch=1, step=4, notice="Core ML keeps no momentum."))
    assert (
        "1: paused on mac-1; 2: running on mac-1, resumed from epoch 1 and 4 mini-batches (Core ML keeps no momentum)"
    ) in with_service.ok("job", queued)
    its_store.attempts.fail(held, STOPPED)


def test_checkpoints_are_listed_and_downloaded(
    *, with_service: Invoke, queued: str, begun: Callable[..., Claim], its_store: Store, tmp_path: Path
) -> None:
    assert with_service.ok("checkpoints", queued) == ""
    held = begun()
    table = with_service.ok("checkpoints", queued).splitlines()
    assert table[0].split() == ["EPOCH", "ENGINE", "LOSS", "ACCURACY", "SIZE", "CREATED"]
    assert table[1].split()[:4] == ["1", "coreml", "0.5000", "75.00%"]
    (checkpoint,) = with_service.json("checkpoints", queued)
    assert (checkpoint["epoch"], checkpoint["metrics"]["loss"]) == (1, 0.5)
    assert with_service.ok("checkpoints", "list", queued).splitlines()[0] == table[0]
    download = ["checkpoints", "download", queued]
    shown = with_service.json(*download, 1, "-o", tmp_path)
    file = tmp_path / "small-epoch-1.mlmodel"
    assert shown == {"path": str(file), "bytes": file.stat().st_size}
    np.testing.assert_array_equal(read(file.read_bytes()).weights["dense"]["bias"], BIAS)
    assert "the kept ones are those of 1" in with_service.refused(3, *download, 7)
    assert "cannot be written" in with_service.refused(2, *download, 1, "-o", tmp_path / "no" / "x.mlmodel")
    its_store.attempts.fail(held, STOPPED)
