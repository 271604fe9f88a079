import base64
import hashlib

import httpx2
import numpy as np
import pytest

from pippin.blobs import Blobs
from pippin.models.mlmodel import read
from tests.service.conftest import MakeTrainer, RunningService, Save
from tests.support.problems import is_problem
from tests.support.trainer import Trainer

BIAS = np.arange(10, dtype=np.float32)


@pytest.fixture
def attempt(start_job: MakeTrainer, blobs: Blobs, digits: bytes) -> Trainer:
    """A running attempt that has stored its initial model."""
    attempt = start_job(checkpoint={"keep": 2})
    attempt.artifact("initial", blobs.put_bytes(digits), len(digits))
    return attempt


@pytest.fixture
def path(attempt: Trainer, save: Save) -> str:
    """The path of the model of epoch 2's checkpoint."""
    attempt.epoch(2, checkpoint=save(2, {"hidden2": {"bias": BIAS}}))
    return f"{attempt.path}/checkpoints/2/model"


def conflict(http: httpx2.Client, attempt: Trainer, epoch: int) -> str:
    """Asserts that the model of an epoch's checkpoint is refused with a 409; returns the detail."""
    answer = http.get(f"{attempt.path}/checkpoints/{epoch}/model")
    return str(is_problem(answer, 409, "state-conflict")["detail"])


def test_every_kept_epoch_is_listed_with_its_metrics(http: httpx2.Client, attempt: Trainer, save: Save) -> None:
    saved = {epoch: save(epoch, {"hidden2": {"bias": BIAS + epoch}}) for epoch in (1, 2, 3)}
    for epoch, checkpoint in saved.items():
        attempt.epoch(epoch, checkpoint=checkpoint, loss=1 / epoch)
    answer = http.get(f"{attempt.path}/checkpoints")
    assert answer.status_code == 200
    second, third = answer.json()["data"]
    assert (second["epoch"], third["epoch"]) == (2, 3)
    assert second.pop("metrics")["loss"] == 0.5
    assert second == {
        "epoch": 2,
        "engine": "jax",
        "bytes": saved[2].bytes,
        "created_at": "2026-11-24T12:00:00Z",
        "url": f"{attempt.path}/checkpoints/2/model",
    }
    assert http.get(third["url"]).status_code == 200


def test_a_job_without_checkpoints_lists_none(http: httpx2.Client, attempt: Trainer) -> None:
    assert http.get(f"{attempt.path}/checkpoints").json() == {"data": []}
    is_problem(http.get(f"/jobs/job_{'0' * 26}/checkpoints"), 404, "not-found")


def test_checkpoint_is_served_as_a_model_with_its_weights(http: httpx2.Client, path: str, digits: bytes) -> None:
    answer = http.get(path)
    assert (answer.status_code, len(answer.content)) == (200, len(digits))
    before, after = read(digits), read(answer.content)
    np.testing.assert_array_equal(after.weights["hidden2"]["bias"], BIAS)
    np.testing.assert_array_equal(after.weights["hidden1"]["weights"], before.weights["hidden1"]["weights"])
    digest = hashlib.sha256(answer.content)
    expected = {
        "etag": f'"{digest.hexdigest()}"',
        "repr-digest": f"sha-256=:{base64.b64encode(digest.digest()).decode()}:",
        "content-type": "application/octet-stream",
        "content-disposition": 'attachment; filename="mnist-cnn-epoch-2.mlmodel"',
    }
    assert {name: answer.headers[name] for name in expected} == expected


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


def test_an_epoch_that_is_not_kept_is_not_found_and_one_that_is_no_number_is_refused(
    http: httpx2.Client, path: str
) -> None:
    for epoch in ("0", "1", "3", "99999999999999999999999"):
        problem = is_problem(http.get(path.replace("/2/", f"/{epoch}/")), 404, "not-found")
        assert "the kept ones are those of 2" in problem["detail"]
    for epoch in ("-1", "x", "1.5"):
        is_problem(http.get(path.replace("/2/", f"/{epoch}/")), 422, "invalid-request")


def test_damaged_or_missing_checkpoint_is_a_409(
    http: httpx2.Client, attempt: Trainer, blobs: Blobs, save: Save, service: RunningService
) -> None:
    attempt.epoch(1, checkpoint=save(1, b"no checkpoint at all"))
    message = "No model can be built from the checkpoint of epoch 1: not a checkpoint, or a damaged one"
    assert conflict(http, attempt, 1).startswith(message)
    attempt.epoch(2, checkpoint=save(2, {"hidden9": {"bias": BIAS}}))
    assert "the model has no such layer" in conflict(http, attempt, 2)
    stored = save(3, {"hidden2": {"bias": -BIAS}})
    attempt.epoch(3, checkpoint=stored)
    file = service.blob_path(stored.digest)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    assert "is damaged" in conflict(http, attempt, 3)
    blobs.delete(stored.digest)
    assert "there is no such blob" in conflict(http, attempt, 3)


def test_checkpoint_model_before_the_initial_model_is_a_409(
    http: httpx2.Client, start_job: MakeTrainer, save: Save
) -> None:
    attempt = start_job()
    attempt.epoch(1, checkpoint=save(1, {"hidden2": {"bias": BIAS}}))
    assert conflict(http, attempt, 1) == "The job is running and has no initial model yet."
