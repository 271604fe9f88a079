"""Datasets and models that meet: what is trained, predicted and measured over REST is one and the same."""

import io
import itertools
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pippin.mlmodel import build
from pippin.mlmodel.proto import Message, parse, serialize
from pippin.spec import resolve
from tests.conftest import Up

WaitUntil = Callable[..., None]


def npz(**arrays: NDArray[Any]) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)  # type: ignore[arg-type]  # its stub takes the names for options
    return file.getvalue()


def zip_of_pictures(pixels: dict[str, NDArray[np.uint8]]) -> bytes:
    """Class -> [N, H, W] or [N, H, W, 3]."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for label, pictures in pixels.items():
            for number, picture in enumerate(pictures):
                archive.writestr(f"{label}/{number}.png", png(picture))
    return file.getvalue()


def png(picture: NDArray[np.uint8]) -> bytes:
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "PNG")
    return file.getvalue()


@dataclass
class Bench:
    """A service with a worker, and what the tests do with it."""

    http: httpx2.Client
    wait_until: WaitUntil

    names = itertools.count()

    def add(self, content: bytes, file: str = "d.npz", **options: str) -> dict[str, Any]:
        name = f"feeding-{next(self.names)}"
        answer = self.http.post("/datasets", params={"name": name} | options, files={"file": (file, content)})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def upload(self, model: bytes) -> dict[str, Any]:
        """The `model` of a job on a file."""
        answer = self.http.post("/models", params={"name": f"feeding-{next(self.names)}"}, content=model)
        assert answer.status_code == 201, answer.text
        return {"id": answer.json()["id"]}

    def submit(self, model: dict[str, Any], dataset: dict[str, Any], **request: object) -> httpx2.Response:
        source = {"id": dataset["id"]} | dict(request.pop("dataset", {}))  # type: ignore[call-overload]
        return self.http.post("/jobs", json={"model": model, "dataset": source} | request)

    def train(self, model: dict[str, Any], dataset: dict[str, Any], **request: object) -> dict[str, Any]:
        answer = self.submit(model, dataset, **request)
        assert answer.status_code == 202, answer.text
        url = answer.headers["location"]
        self.wait_until(lambda: self.http.get(url).json()["finished_at"] is not None, seconds=120)
        job = dict(self.http.get(url).json())
        assert job["status"] == "succeeded", job["reason"]
        return job

    def refused(self, model: dict[str, Any], dataset: dict[str, Any], **request: object) -> str:
        answer = self.submit(model, dataset, **request)
        assert answer.status_code == 422, answer.text
        return "; ".join(error["detail"] for error in answer.json()["errors"])

    def predict(self, job: dict[str, Any], **inputs: object) -> dict[str, Any]:
        answer = self.http.post(f"/jobs/{job['id']}/predict?top=1", json={"inputs": inputs})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def evaluate(self, job: dict[str, Any], dataset: dict[str, Any]) -> dict[str, Any]:
        answer = self.http.post(f"/jobs/{job['id']}/evaluate", json={"dataset": dataset["id"]})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@pytest.fixture
def bench(running_up: Up, wait_until: WaitUntil) -> Iterator[Bench]:
    with httpx2.Client(base_url=running_up.url, timeout=60) as http:
        yield Bench(http, wait_until)


def likeliest(prediction: dict[str, Any]) -> list[str | int]:
    return [choices[0]["label"] for choices in prediction["top"]]


def softmax(width: int, classes: int, **changes: object) -> dict[str, Any]:
    """A spec that learns quickly which of `width` numbers is the largest."""
    return {
        "inputs": [{"name": "x", "shape": [width]}],
        "outputs": [{"name": "p"}],
        "layers": [
            {"type": "inner_product", "name": "dense", "output_channels": classes, "updatable": True},
            {"type": "softmax", "name": "softmax", "output": "p"},
        ],
        "loss": {"type": "categorical_cross_entropy", "target": "y"},
        "optimizer": {"type": "sgd", "learning_rate": 1.0, "mini_batch_size": 4},
        "epochs": 20,
    } | changes


def classifier(labels: list[str]) -> dict[str, Any]:
    named = {"labels": labels, "predicted_feature": "kind"}
    kind = [{"name": "kind", "type": "string"}]
    return softmax(
        len(labels), len(labels), classifier=named, outputs=kind, loss={"type": "categorical_cross_entropy"}
    )


def rows_of(numbers: list[int]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Four rows a number, in which each number has a column of its own, and the numbers."""
    y = np.repeat(np.array(numbers, np.int32), 4)
    return 3 * np.repeat(np.eye(len(numbers), dtype=np.float32), 4, axis=0), y


LEXICOGRAPHIC = ["0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"]


@pytest.mark.parametrize(
    ("labels", "numbers", "expected", "notice"),
    [
        (LEXICOGRAPHIC, list(range(12)), [str(n) for n in range(12)], "10 is the class '10', which has the position 2"),
        (["1", "2", "3"], [1, 2, 3], ["1", "2", "3"], "1 is the class '1', which has the position 0"),
        (["02", "00", "01"], [0, 1, 2], ["00", "01", "02"], "2 is the class '02', which has the position 0"),
        (["dog", "cat", "bird"], [0, 1, 2], ["dog", "cat", "bird"], "0 is 'dog', 1 is 'cat', 2 is 'bird'"),
        (["2", "1", "other"], [0, 1, 2], ["2", "1", "other"], "0 is '2', 1 is '1', 2 is 'other'"),
    ],
)
def test_a_number_means_one_class_in_training_prediction_and_evaluation(
    bench: Bench, labels: list[str], numbers: list[int], expected: list[str], notice: str
) -> None:
    x, y = rows_of(numbers)
    table = "".join(f"{number},{','.join(map(str, row))}\n" for number, row in zip(y, x, strict=True))
    header = "kind," + ",".join(f"c{at}" for at in range(len(numbers))) + "\n"
    dataset = bench.add((header + table).encode(), "d.csv", target="kind", inputs=f"x:{header[5:].strip()}")
    job = bench.train({"spec": classifier(labels)}, dataset)
    assert notice in job["notice"]
    found = bench.predict(job, x=x[::4].tolist())
    assert likeliest(found) == found["outputs"]["kind"] == expected
    measured = bench.evaluate(job, dataset)
    assert measured["accuracy"] == 1
    # The same examples with names in place of the numbers are the same examples.
    named = npz_named(bench, dict(zip(numbers, expected, strict=True)), x, y)
    if named is not None:
        assert bench.evaluate(job, named)["accuracy"] == 1


def npz_named(
    bench: Bench, called: dict[int, str], x: NDArray[np.float32], y: NDArray[np.int32]
) -> dict[str, Any] | None:
    """The examples as a table of class names; None where a table would take the names for numbers."""
    if any(name.isdecimal() for name in called.values()):
        return None
    rows = [",".join([called[int(number)], *map(str, row)]) for number, row in zip(y, x, strict=True)]
    columns = [f"c{at}" for at in range(x.shape[1])]
    table = "\n".join([",".join(["kind", *columns]), *rows])
    return bench.add(table.encode(), "named.csv", target="kind", inputs=f"x:{','.join(columns)}")
