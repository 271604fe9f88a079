"""Which rows an evaluation measures, and its notices about training rows: against a whole, real Pippin."""

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import numpy as np
import pytest

from pippin.client import Client
from pippin.datasets.examples import held_out_rows
from pippin.models.mlmodel.proto import serialize
from tests.conftest import Up
from tests.pippin.models.mlmodel.files import neighbors
from tests.support.waiting import wait_for

Train = Callable[..., str]
Evaluate = Callable[..., dict[str, Any]]

ROWS = 40
QUARTER = {"id": "rows", "validation_fraction": 0.25}
RNG = np.random.default_rng(3)
POINTS = RNG.normal(size=(ROWS, 2)).astype(np.float32)
CLASSES = (POINTS[:, :1] > 0).astype(np.int32)
PRICES = (POINTS @ np.array([[2.0], [-1.0]]) + 0.5).astype(np.float32)


def spec(loss: str, outputs: int) -> dict[str, Any]:
    softmax = [{"type": "softmax", "name": "softmax"}] if loss == "categorical_cross_entropy" else []
    dense = {"type": "inner_product", "name": "dense", "output_channels": outputs, "updatable": True}
    return {
        "inputs": [{"name": "point", "shape": [2]}],
        "outputs": [{"name": "answer", "shape": [outputs]}],
        "layers": [dense, *softmax],
        "loss": {"type": loss},
        "optimizer": {"type": "sgd", "learning_rate": 0.05, "mini_batch_size": 5},
        "epochs": 2,
    }


CLASSIFIER = spec("categorical_cross_entropy", 2)
REGRESSOR = spec("mean_squared_error", 1)


def npz(target: Any, **counts: int) -> bytes:  # noqa: ANN401 - an array of any type
    file = io.BytesIO()
    arrays: dict[str, Any] = {}
    for split, count in (counts or {"train": ROWS}).items():
        arrays |= {f"{split}/point": POINTS[:count], f"{split}/answer_true": target[:count]}
    np.savez(file, **arrays)
    return file.getvalue()


@pytest.fixture(scope="module")
def client(running_up: Up) -> Iterator[Client]:
    with Client(running_up.url) as opened:
        yield opened


@pytest.fixture(scope="module")
def http(running_up: Up) -> Iterator[httpx2.Client]:
    with httpx2.Client(base_url=running_up.url, timeout=60) as opened:
        for name, content in {
            "rows": npz(CLASSES),
            "rows with a test": npz(CLASSES, train=ROWS, test=12),
            "rows with a dev": npz(CLASSES, train=ROWS, dev=9),
            "rows with a validation": npz(CLASSES, train=ROWS, validation=8),
            "prices": npz(PRICES),
        }.items():
            assert opened.post("/datasets", params={"name": name}, content=content).status_code == 201
        yield opened


@pytest.fixture(scope="module")
def train(client: Client, http: httpx2.Client) -> Train:  # noqa: ARG001 (uploads the datasets)
    """Trains a job until it succeeds; a job that the module has trained before is not trained again."""
    trained: dict[str, str] = {}

    def train_one(dataset: object, model: dict[str, Any] | None = None, **hyperparameters: object) -> str:
        request = {"model": model or {"spec": CLASSIFIER}, "dataset": dataset, "hyperparameters": hyperparameters}
        key = json.dumps(request, sort_keys=True)
        if key not in trained:
            ended = client.wait(client.submit(request).id, timeout=120)
            assert ended.status == "succeeded", ended.reason
            trained[key] = ended.id
        return trained[key]

    return train_one


@pytest.fixture(scope="module")
def held_out_job(train: Train) -> str:
    return train(QUARTER, shuffle=True)


@pytest.fixture(scope="module")
def evaluate(http: httpx2.Client) -> Evaluate:
    """Evaluates a job; the report, or the problem."""
    return lambda job, dataset="rows", **body: dict(
        http.post(f"/jobs/{job}/evaluate", json={"dataset": dataset, **body}).json()
    )


def measured(report: dict[str, Any]) -> tuple[object, ...]:
    """What a report is about: the split, the part, the number of examples, and how many the training has seen."""
    return tuple(report[name] for name in ("split", "part", "examples", "seen_in_training"))


@pytest.mark.parametrize(
    "hyperparameters",
    [
        {"shuffle": True},
        {"shuffle": False},
        {"seed": -5},
        pytest.param({"seed": 2**62, "shuffle": True}, marks=pytest.mark.full),
    ],
    ids=str,
)
def test_held_out_rows_are_evaluated_by_default(
    hyperparameters: dict[str, Any], client: Client, train: Train, evaluate: Evaluate
) -> None:
    job = train(QUARTER, **hyperparameters)
    report = evaluate(job)
    assert (measured(report), report["notice"]) == (("train", "held_out", 10, 0), None)
    # The worker measured the same rows with the same weights after the last epoch.
    last = client.job(job).latest_metrics
    assert last is not None
    assert report["loss"] == pytest.approx(last.validation_loss, rel=1e-4)
    assert report["accuracy"] == last.validation_accuracy
    held_out = held_out_rows(ROWS, 0.25, hyperparameters.get("seed", 0)).tolist()
    assert {mistake["row"] for mistake in report["worst"]} <= set(held_out)


@pytest.mark.parametrize(
    ("body", "part", "examples", "seen"),
    [
        ({}, "held_out", 10, 0),
        ({"split": "train"}, "all", 40, 30),
        ({"split": "train", "part": "held_out"}, "held_out", 10, 0),
        ({"part": "held_out"}, "held_out", 10, 0),
        ({"part": "trained_on"}, "trained_on", 30, 30),
        ({"part": "all"}, "all", 40, 30),
        ({"max_examples": 4}, "held_out", 4, 0),
        ({"part": "trained_on", "max_examples": 7}, "trained_on", 7, 7),
        ({"max_examples": 1000}, "held_out", 10, 0),
    ],
    ids=str,
)
def test_requested_part_of_the_training_split_is_evaluated(
    *, body: dict[str, Any], part: str, examples: int, seen: int, evaluate: Evaluate, held_out_job: str
) -> None:
    report = evaluate(held_out_job, **body)
    assert measured(report) == ("train", part, examples, seen)
    assert (report["notice"] is None) == (seen == 0)


def test_a_sample_of_a_part_counts_the_trained_rows_in_it(evaluate: Evaluate, held_out_job: str) -> None:
    report = evaluate(held_out_job, split="train", max_examples=8)
    sample = set(range(0, ROWS, 5))
    assert report["seen_in_training"] == len(sample - set(held_out_rows(ROWS, 0.25, 0).tolist()))
    assert f"{report['seen_in_training']} of the 8 examples were trained on" in report["notice"]


def test_evaluation_on_rows_that_the_job_or_an_earlier_one_trained_on_has_a_notice(
    client: Client, train: Train, evaluate: Evaluate
) -> None:
    first = train("rows")
    report = evaluate(first)
    assert measured(report) == ("train", "all", ROWS, ROWS)
    assert report["notice"].startswith("All 40 examples were trained on: the figures do not show how good the model is")
    (error,) = evaluate(first, part="held_out")["errors"]
    assert error["pointer"] == "/part"
    assert "the job held out no rows" in error["detail"]
    second = train(QUARTER, {"job": first})
    report = evaluate(second)
    assert measured(report) == ("train", "held_out", 10, 10)
    assert report["notice"].startswith("All 10 examples were trained on")
    client.delete(first)
    report = evaluate(second)
    assert report["seen_in_training"] is None
    assert "is unknown: the record of a job whose model it continues was deleted" in report["notice"]


@pytest.mark.parametrize(
    ("dataset", "split", "examples"),
    [
        ({"id": "rows with a test"}, "test", 12),
        pytest.param({"id": "rows with a validation"}, "validation", 8, marks=pytest.mark.full),
        ({"id": "rows with a dev"}, "dev", 9),
        pytest.param({"id": "rows with a dev", "validation": "dev"}, "dev", 9, marks=pytest.mark.full),
        ({"id": "rows with a test", "train": "test", "validation": "train"}, "train", ROWS),
    ],
    ids=str,
)
def test_split_not_trained_on_is_evaluated_by_default(
    dataset: dict[str, str], split: str, examples: int, train: Train, evaluate: Evaluate
) -> None:
    report = evaluate(train(dataset), dataset["id"])
    assert (measured(report), report["notice"]) == ((split, "all", examples, 0), None)


@pytest.mark.full
def test_held_out_rows_are_preferred_to_a_test_split(train: Train, evaluate: Evaluate) -> None:
    name = "rows with a test"
    job = train({"id": name, "validation_fraction": 0.1})
    assert measured(evaluate(job, name))[:3] == ("train", "held_out", 4)
    assert measured(evaluate(job, name, split="test")) == ("test", "all", 12, 0)


@pytest.mark.full
def test_continued_job_with_same_seed_holds_out_the_same_rows(
    train: Train, evaluate: Evaluate, held_out_job: str
) -> None:
    again = train(QUARTER, {"job": held_out_job}, epochs=1)
    assert evaluate(again)["seen_in_training"] == 0
    other = train(QUARTER, {"job": held_out_job}, seed=8, epochs=1)
    common = set(held_out_rows(ROWS, 0.25, 0).tolist()) & set(held_out_rows(ROWS, 0.25, 8).tolist())
    assert evaluate(other)["seen_in_training"] == 10 - len(common)


@pytest.mark.full
@pytest.mark.usefixtures("http")
def test_paused_and_retried_jobs_keep_their_held_out_rows(client: Client, evaluate: Evaluate) -> None:
    hyperparameters = {"epochs": 600, "shuffle": True}
    request = {"model": {"spec": CLASSIFIER}, "dataset": QUARTER, "hyperparameters": hyperparameters}
    job = client.submit(request)
    wait_for(lambda: client.job(job.id).progress.epoch > 0)
    client.pause(job.id)
    wait_for(lambda: client.job(job.id).status == "paused")
    client.resume(job.id)
    wait_for(lambda: client.job(job.id).status == "running")
    client.cancel(job.id)
    again = client.retry(client.wait(job.id, timeout=60).id, from_checkpoint=True)
    ended = client.wait(again.id, timeout=240)
    assert (ended.status, len(client.job(job.id).attempts)) == ("succeeded", 2)
    report = evaluate(ended.id)
    assert measured(report) == ("train", "held_out", 10, 0)
    assert ended.latest_metrics is not None
    assert report["loss"] == pytest.approx(ended.latest_metrics.validation_loss, rel=1e-4)


def test_rows_seen_are_unknown_for_another_dataset(evaluate: Evaluate, held_out_job: str) -> None:
    report = evaluate(held_out_job, "rows with a test")
    assert (measured(report), report["notice"]) == (("test", "all", 12, None), None)
    (error,) = evaluate(held_out_job, "rows with a test", part="trained_on")["errors"]
    assert error["pointer"] == "/part"
    assert "the job was trained on the split 'train' of rows" in error["detail"]


def test_dataset_uploaded_again_is_matched_by_its_digest(
    http: httpx2.Client, client: Client, train: Train, evaluate: Evaluate
) -> None:
    content = npz(CLASSES, train=20)
    first = http.post("/datasets", params={"name": "short-lived"}, content=content).json()
    job = train({"id": first["id"], "validation_fraction": 0.25})
    assert http.delete(f"/datasets/{first['id']}").status_code == 204
    assert "there is no dataset" in evaluate(job, first["id"])["errors"][0]["detail"]
    second = http.post("/datasets", params={"name": "uploaded again"}, content=content).json()
    assert second["id"] != first["id"]
    report = client.evaluate(job, "uploaded again")
    assert (report.part, report.examples, report.seen_in_training) == ("held_out", 5, 0)
    assert client.evaluate(job, "uploaded again", part="trained_on").seen_in_training == 15


def test_nearest_neighbours_are_evaluated_on_held_out_rows(
    http: httpx2.Client, train: Train, evaluate: Evaluate
) -> None:
    file = serialize(neighbors())
    assert http.post("/models", params={"name": "empty neighbours"}, content=file).status_code == 201
    table = "a,b,label\n" + "".join(f"{n},{n},{'red' if n % 2 else 'blue'}\n" for n in range(20))
    options = {"name": "colours", "target": "label", "inputs": "point:a,b"}
    assert http.post("/datasets", params=options, content=table).status_code == 201
    job = train({"id": "colours", "validation_fraction": 0.2}, {"id": "empty neighbours"})
    assert measured(evaluate(job, "colours")) == ("train", "held_out", 4, 0)
    assert measured(evaluate(job, "colours", part="trained_on")) == ("train", "trained_on", 16, 16)


def test_regression_report_lists_the_largest_errors(train: Train, evaluate: Evaluate) -> None:
    report = evaluate(train({"id": "prices", "validation_fraction": 0.25}, {"spec": REGRESSOR}), "prices")
    errors = report["largest_errors"]
    assert (report["accuracy"], report["worst"]) == (None, [])
    assert sorted(error["row"] for error in errors) == held_out_rows(ROWS, 0.25, 0).tolist()
    losses = [error["loss"] for error in errors]
    assert losses == sorted(losses, reverse=True)
    assert report["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    for error in errors:
        assert error["expected"] == [pytest.approx(float(PRICES[error["row"], 0]))]
        assert (error["predicted"][0] - error["expected"][0]) ** 2 == pytest.approx(error["loss"], rel=1e-3, abs=1e-6)
        assert error["values"] == 1
