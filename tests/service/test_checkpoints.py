import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from pippin.api.checkpoints import StoredCheckpoint
from pippin.blobs import Blobs
from pippin.models.mlmodel import read
from tests.service.conftest import RunningService, Trainer

IsProblem = Callable[..., dict[str, Any]]
Save = Callable[..., StoredCheckpoint]

BIAS = np.arange(10, dtype=np.float32)


@pytest.fixture
def attempt(
    submit: Callable[..., dict[str, Any]], trainer: Callable[[str], Any], blobs: Blobs, digits: bytes
) -> Trainer:
    """A running attempt that has stored its initial model."""
    found = trainer(submit(checkpoint={"keep": 2})["id"])
    found.begin()
    found.artifact("initial", blobs.put_bytes(digits), len(digits))
    return found


@pytest.fixture
def path(attempt: Trainer, save: Save) -> str:
    """The path of the model of epoch 2's checkpoint."""
    attempt.epoch(2, checkpoint=save(2, {"hidden2": {"bias": BIAS}}))
    return f"/jobs/{attempt.job_id}/checkpoints/2/model"


def test_every_kept_epoch_is_listed_with_its_metrics(http: httpx2.Client, attempt: Trainer, save: Save) -> None:
    saved = {epoch: save(epoch, {"hidden2": {"bias": BIAS + epoch}}) for epoch in (1, 2, 3)}
    for epoch, checkpoint in saved.items():
        attempt.epoch(epoch, checkpoint=checkpoint, loss=1 / epoch)
    answer = http.get(f"/jobs/{attempt.job_id}/checkpoints")
    assert answer.status_code == 200
    second, third = answer.json()["data"]
    assert (second["epoch"], third["epoch"]) == (2, 3)
    assert second["metrics"]["loss"] == 0.5
    assert second | {"metrics": None} == {
        "epoch": 2,
        "engine": "jax",
        "bytes": saved[2].bytes,
        "created_at": "2026-11-24T12:00:00Z",
        "url": f"/jobs/{attempt.job_id}/checkpoints/2/model",
        "metrics": None,
    }
    assert http.get(third["url"]).status_code == 200


def test_a_job_without_checkpoints_lists_none(http: httpx2.Client, attempt: Trainer, is_problem: IsProblem) -> None:
    assert http.get(f"/jobs/{attempt.job_id}/checkpoints").json() == {"data": []}
    is_problem(http.get(f"/jobs/job_{'0' * 26}/checkpoints"), 404, "not-found")


def test_checkpoint_is_served_as_a_model_with_its_weights(http: httpx2.Client, path: str, digits: bytes) -> None:
    answer = http.get(path)
    assert answer.status_code == 200
    before, after = read(digits), read(answer.content)
    np.testing.assert_array_equal(after.weights["hidden2"]["bias"], BIAS)
    np.testing.assert_array_equal(after.weights["hidden1"]["weights"], before.weights["hidden1"]["weights"])
    assert len(answer.content) == len(digits)
    digest = hashlib.sha256(answer.content)
    assert answer.headers["etag"] == f'"{digest.hexdigest()}"'
    assert answer.headers["repr-digest"] == f"sha-256=:{base64.b64encode(digest.digest()).decode()}:"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == 'attachment; filename="mnist-cnn-epoch-2.mlmodel"'


def test_checkpoint_model_is_reproducible_and_supports_ranges(http: httpx2.Client, path: str, blobs: Blobs) -> None:
    whole = http.get(path)
    etag = whole.headers["etag"]
    assert http.get(path, headers={"if-none-match": etag}).status_code == 304
    part = http.get(path, headers={"range": "bytes=100-199", "if-range": etag})
    assert (part.status_code, part.content) == (206, whole.content[100:200])
    head = http.head(path)
    assert (head.headers["content-length"], head.content) == (str(len(whole.content)), b"")
    blobs.delete(etag.strip('"'))  # as the sweeper does
    again = http.get(path)
    assert (again.headers["etag"], again.content) == (etag, whole.content)


def test_a_final_job_keeps_its_checkpoints(http: httpx2.Client, attempt: Trainer, path: str) -> None:
    attempt.fail()
    assert http.get(path).status_code == 200


@pytest.mark.parametrize("epoch", ["0", "1", "3", "99999999999999999999999"])
def test_an_epoch_that_is_not_kept_is_not_found(
    http: httpx2.Client, path: str, is_problem: IsProblem, epoch: str
) -> None:
    problem = is_problem(http.get(path.replace("/2/", f"/{epoch}/")), 404, "not-found")
    assert "the kept ones are those of 2" in problem["detail"]


@pytest.mark.parametrize("epoch", ["-1", "x", "1.5"])
def test_non_numeric_epoch_is_refused(http: httpx2.Client, path: str, is_problem: IsProblem, epoch: str) -> None:
    is_problem(http.get(path.replace("/2/", f"/{epoch}/")), 422, "invalid-request")


def test_damaged_or_missing_checkpoint_is_a_409(
    http: httpx2.Client,
    attempt: Trainer,
    blobs: Blobs,
    save: Save,
    is_problem: IsProblem,
) -> None:
    path = f"/jobs/{attempt.job_id}/checkpoints"
    attempt.epoch(1, checkpoint=save(1, b"no checkpoint at all"))
    foreign = save(2, {"hidden9": {"bias": BIAS}})
    attempt.epoch(2, checkpoint=foreign)
    detail = is_problem(http.get(f"{path}/1/model"), 409, "state-conflict")["detail"]
    assert detail.startswith("No model can be built from the checkpoint of epoch 1: not a checkpoint, or a damaged one")
    detail = is_problem(http.get(f"{path}/2/model"), 409, "state-conflict")["detail"]
    assert "the model has no such layer" in detail
    gone = save(3, {"hidden2": {"bias": -BIAS}})
    attempt.epoch(3, checkpoint=gone)
    blobs.delete(gone.digest)
    detail = is_problem(http.get(f"{path}/3/model"), 409, "state-conflict")["detail"]
    assert "there is no such blob" in detail


def test_checkpoint_with_a_damaged_blob_is_a_409(
    http: httpx2.Client,
    attempt: Trainer,
    shared_service: RunningService,
    save: Save,
    is_problem: IsProblem,
) -> None:
    stored = save(1, {"hidden2": {"bias": BIAS + 7}})
    attempt.epoch(1, checkpoint=stored)
    name = stored.digest.removeprefix("sha256:")
    (file,) = (found for found in Path(shared_service.settings.home).rglob(f"*{name}") if found.is_file())
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    detail = is_problem(http.get(f"/jobs/{attempt.job_id}/checkpoints/1/model"), 409, "state-conflict")["detail"]
    assert "is damaged" in detail


def test_checkpoint_model_before_the_initial_model_is_a_409(
    *,
    http: httpx2.Client,
    submit: Callable[..., dict[str, Any]],
    trainer: Callable[[str], Any],
    save: Save,
    is_problem: IsProblem,
) -> None:
    attempt = trainer(submit()["id"])
    attempt.begin()
    attempt.epoch(1, checkpoint=save(1, {"hidden2": {"bias": BIAS}}))
    detail = is_problem(http.get(f"/jobs/{attempt.job_id}/checkpoints/1/model"), 409, "state-conflict")["detail"]
    assert detail == "The job is running and has no initial model yet."
