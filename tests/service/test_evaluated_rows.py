"""Which rows an evaluation measures, and its notices about training rows: against a whole, real Pippin."""

import io
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import httpx2
import numpy as np
import pytest

from pippin.client import Client
from pippin.datasets.examples import held_out_rows
from pippin.models.mlmodel.proto import serialize
from tests.pippin.models.mlmodel.files import neighbors
from tests.support.waiting import wait_for

ROWS = 40
RNG = np.random.default_rng(3)
POINTS = RNG.normal(size=(ROWS, 2)).astype(np.float32)
CLASSES = (POINTS[:, :1] > 0).astype(np.int32)
PRICES = (POINTS @ np.array([[2.0], [-1.0]]) + 0.5).astype(np.float32)


def spec(loss: str, outputs: int) -> dict[str, Any]:
    softmax = [{"type": "softmax", "name": "softmax"}] if loss == "categorical_cross_entropy" else []
    return {
        "inputs": [{"name": "point", "shape": [2]}],
        "outputs": [{"name": "answer", "shape": [outputs]}],
        "layers": [
            {"type": "inner_product", "name": "dense", "output_channels": outputs, "updatable": True},
            *softmax,
        ],
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
def client(running_up: SimpleNamespace) -> Iterator[Client]:
    with Client(running_up.url) as opened:
        yield opened


@pytest.fixture(scope="module")
def http(running_up: SimpleNamespace) -> Iterator[httpx2.Client]:
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
def train(client: Client, http: httpx2.Client) -> Callable[..., str]:  # noqa: ARG001 (uploads the datasets)
    """Trains a job until it succeeds."""

    def train_one(dataset: object, model: dict[str, Any] | None = None, **hyperparameters: object) -> str:
        model = model or {"spec": CLASSIFIER}
        submitted = client.submit({"model": model, "dataset": dataset, "hyperparameters": hyperparameters})
        ended = client.wait(submitted.id, timeout=120)
        assert ended.status == "succeeded", ended.reason
        return ended.id

    return train_one


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
    hyperparameters: dict[str, Any], http: httpx2.Client, client: Client, train: Callable[..., str]
) -> None:
    job = train({"id": "rows", "validation_fraction": 0.25}, **hyperparameters)
    report = http.post(f"/jobs/{job}/evaluate", json={"dataset": "rows"}).json()
    assert (report["split"], report["part"], report["examples"]) == ("train", "held_out", 10)
    assert (report["seen_in_training"], report["notice"]) == (0, None)
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
    *,
    body: dict[str, Any],
    part: str,
    examples: int,
    seen: int,
    http: httpx2.Client,
    held_out_job: str,
) -> None:
    report = http.post(f"/jobs/{held_out_job}/evaluate", json={"dataset": "rows", **body}).json()
    assert (report["part"], report["examples"], report["seen_in_training"]) == (part, examples, seen)
    assert (report["notice"] is None) == (seen == 0)


@pytest.fixture(scope="module")
def held_out_job(train: Callable[..., str]) -> str:
    return train({"id": "rows", "validation_fraction": 0.25})


def test_a_sample_of_a_part_counts_the_trained_rows_in_it(http: httpx2.Client, held_out_job: str) -> None:
    body = {"dataset": "rows", "split": "train", "max_examples": 8}
    report = http.post(f"/jobs/{held_out_job}/evaluate", json=body).json()
    sample = set(range(0, ROWS, 5))
    assert report["seen_in_training"] == len(sample - set(held_out_rows(ROWS, 0.25, 0).tolist()))
    assert f"{report['seen_in_training']} of the 8 examples were trained on" in report["notice"]


def test_evaluation_on_training_rows_only_has_a_notice(http: httpx2.Client, train: Callable[..., str]) -> None:
    job = train("rows")
    report = http.post(f"/jobs/{job}/evaluate", json={"dataset": "rows"}).json()
    assert (report["split"], report["part"], report["examples"], report["seen_in_training"]) == (
        "train",
        "all",
        ROWS,
        ROWS,
    )
    assert report["notice"].startswith("All 40 examples were trained on: the figures do not show how good the model is")
    problem = http.post(f"/jobs/{job}/evaluate", json={"dataset": "rows", "part": "held_out"}).json()
    assert problem["errors"][0]["pointer"] == "/part"
    assert "the job held out no rows" in problem["errors"][0]["detail"]


@pytest.mark.parametrize(
    ("dataset", "split", "examples"),
    [
        ("rows with a test", "test", 12),
        pytest.param("rows with a validation", "validation", 8, marks=pytest.mark.full),
        ("rows with a dev", "dev", 9),
        pytest.param({"id": "rows with a dev", "validation": "dev"}, "dev", 9, marks=pytest.mark.full),
        ({"id": "rows with a test", "train": "test", "validation": "train"}, "train", ROWS),
    ],
    ids=str,
)
def test_split_not_trained_on_is_evaluated_by_default(
    *,
    dataset: str | dict[str, str],
    split: str,
    examples: int,
    http: httpx2.Client,
    train: Callable[..., str],
) -> None:
    job = train(dataset)
    name = dataset if isinstance(dataset, str) else dataset["id"]
    report = http.post(f"/jobs/{job}/evaluate", json={"dataset": name}).json()
    assert (report["split"], report["part"], report["examples"], report["seen_in_training"]) == (
        split,
        "all",
        examples,
        0,
    )
    assert report["notice"] is None


@pytest.mark.full
def test_held_out_rows_are_preferred_to_a_test_split(http: httpx2.Client, train: Callable[..., str]) -> None:
    job = train({"id": "rows with a test", "validation_fraction": 0.1})
    report = http.post(f"/jobs/{job}/evaluate", json={"dataset": "rows with a test"}).json()
    assert (report["split"], report["part"], report["examples"]) == ("train", "held_out", 4)
    report = http.post(f"/jobs/{job}/evaluate", json={"dataset": "rows with a test", "split": "test"}).json()
    assert (report["part"], report["examples"], report["seen_in_training"]) == ("all", 12, 0)


def test_rows_that_an_earlier_job_trained_on_count_as_seen(
    http: httpx2.Client, client: Client, train: Callable[..., str]
) -> None:
    first = train("rows")
    second = train({"id": "rows", "validation_fraction": 0.25}, {"job": first})
    report = http.post(f"/jobs/{second}/evaluate", json={"dataset": "rows"}).json()
    assert (report["part"], report["examples"], report["seen_in_training"]) == ("held_out", 10, 10)
    assert report["notice"].startswith("All 10 examples were trained on")
    client.delete(first)
    report = http.post(f"/jobs/{second}/evaluate", json={"dataset": "rows"}).json()
    assert report["seen_in_training"] is None
    assert "is unknown: the record of a job whose model it continues was deleted" in report["notice"]


@pytest.mark.full
def test_continued_job_with_same_seed_holds_out_the_same_rows(
    http: httpx2.Client, train: Callable[..., str], held_out_job: str
) -> None:
    again = train({"id": "rows", "validation_fraction": 0.25}, {"job": held_out_job}, epochs=1)
    assert http.post(f"/jobs/{again}/evaluate", json={"dataset": "rows"}).json()["seen_in_training"] == 0
    other = train({"id": "rows", "validation_fraction": 0.25}, {"job": held_out_job}, seed=8, epochs=1)
    report = http.post(f"/jobs/{other}/evaluate", json={"dataset": "rows"}).json()
    common = set(held_out_rows(ROWS, 0.25, 0).tolist()) & set(held_out_rows(ROWS, 0.25, 8).tolist())
    assert report["seen_in_training"] == 10 - len(common)


@pytest.mark.full
def test_paused_and_retried_jobs_keep_their_held_out_rows(
    http: httpx2.Client,
    client: Client,
    train: Callable[..., str],  # noqa: ARG001 (uploads the datasets)
) -> None:
    dataset = {"id": "rows", "validation_fraction": 0.25}
    body = {"model": {"spec": CLASSIFIER}, "dataset": dataset, "hyperparameters": {"epochs": 600, "shuffle": True}}
    job = client.submit(body)
    wait_for(lambda: client.job(job.id).progress.epoch > 0)
    client.pause(job.id)
    wait_for(lambda: client.job(job.id).status == "paused")
    client.resume(job.id)
    wait_for(lambda: client.job(job.id).status == "running")
    client.cancel(job.id)
    again = client.retry(client.wait(job.id, timeout=60).id, from_checkpoint=True)
    ended = client.wait(again.id, timeout=240)
    assert (ended.status, len(client.job(job.id).attempts)) == ("succeeded", 2)
    report = http.post(f"/jobs/{ended.id}/evaluate", json={"dataset": "rows"}).json()
    assert (report["part"], report["examples"], report["seen_in_training"]) == ("held_out", 10, 0)
    assert ended.latest_metrics is not None
    assert report["loss"] == pytest.approx(ended.latest_metrics.validation_loss, rel=1e-4)


def test_rows_seen_are_unknown_for_another_dataset(http: httpx2.Client, held_out_job: str) -> None:
    report = http.post(f"/jobs/{held_out_job}/evaluate", json={"dataset": "rows with a test"}).json()
    assert (report["split"], report["part"], report["seen_in_training"]) == ("test", "all", None)
    assert report["notice"] is None
    body = {"dataset": "rows with a test", "part": "trained_on"}
    problem = http.post(f"/jobs/{held_out_job}/evaluate", json=body).json()
    assert problem["errors"][0]["pointer"] == "/part"
    assert "the job was trained on the split 'train' of rows" in problem["errors"][0]["detail"]


def test_dataset_uploaded_again_is_matched_by_its_digest(
    http: httpx2.Client, client: Client, train: Callable[..., str]
) -> None:
    content = npz(CLASSES, train=20)
    first = http.post("/datasets", params={"name": "short-lived"}, content=content).json()
    job = train({"id": first["id"], "validation_fraction": 0.25})
    assert http.delete(f"/datasets/{first['id']}").status_code == 204
    problem = http.post(f"/jobs/{job}/evaluate", json={"dataset": first["id"]}).json()
    assert "there is no dataset" in problem["errors"][0]["detail"]
    second = http.post("/datasets", params={"name": "uploaded again"}, content=content).json()
    assert second["id"] != first["id"]
    report = client.evaluate(job, "uploaded again")
    assert (report.part, report.examples, report.seen_in_training) == ("held_out", 5, 0)
    assert client.evaluate(job, "uploaded again", part="trained_on").seen_in_training == 15


def test_nearest_neighbours_are_evaluated_on_held_out_rows(http: httpx2.Client, train: Callable[..., str]) -> None:
    file = serialize(neighbors())
    assert http.post("/models", params={"name": "empty neighbours"}, content=file).status_code == 201
    table = "a,b,label\n" + "".join(f"{n},{n},{'red' if n % 2 else 'blue'}\n" for n in range(20))
    options = {"name": "colours", "target": "label", "inputs": "point:a,b"}
    assert http.post("/datasets", params=options, content=table).status_code == 201
    job = train({"id": "colours", "validation_fraction": 0.2}, {"id": "empty neighbours"})
    report = http.post(f"/jobs/{job}/evaluate", json={"dataset": "colours"}).json()
    assert (report["part"], report["examples"], report["seen_in_training"]) == ("held_out", 4, 0)
    report = http.post(f"/jobs/{job}/evaluate", json={"dataset": "colours", "part": "trained_on"}).json()
    assert (report["examples"], report["seen_in_training"]) == (16, 16)


def test_regression_report_lists_the_largest_errors(http: httpx2.Client, train: Callable[..., str]) -> None:
    job = train({"id": "prices", "validation_fraction": 0.25}, {"spec": REGRESSOR})
    report = http.post(f"/jobs/{job}/evaluate", json={"dataset": "prices"}).json()
    held_out = held_out_rows(ROWS, 0.25, 0).tolist()
    errors = report["largest_errors"]
    assert (report["accuracy"], report["worst"]) == (None, [])
    assert sorted(error["row"] for error in errors) == held_out
    losses = [error["loss"] for error in errors]
    assert losses == sorted(losses, reverse=True)
    assert report["loss"] == pytest.approx(np.mean(losses), rel=1e-5)
    for error in errors:
        assert error["expected"] == [pytest.approx(float(PRICES[error["row"], 0]))]
        assert (error["predicted"][0] - error["expected"][0]) ** 2 == pytest.approx(error["loss"], rel=1e-3, abs=1e-6)
        assert error["values"] == 1
