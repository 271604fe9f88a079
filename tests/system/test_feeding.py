"""Datasets bound to models: training, prediction and evaluation over REST agree on shapes and classes."""

import io
import itertools
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pippin.models.mlmodel.proto import serialize
from tests.conftest import Up
from tests.pippin.models.mlmodel.files import embedding, neighbors, pipeline
from tests.support.specs import classifier_spec
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


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
    """A service with a worker, and requests to it."""

    http: httpx2.Client

    names = itertools.count()

    def add(self, content: bytes, file: str = "d.npz", **options: str) -> dict[str, Any]:
        name = f"feeding-{next(self.names)}"
        answer = self.http.post("/datasets", params={"name": name} | options, files={"file": (file, content)})
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    def upload(self, model: bytes) -> dict[str, Any]:
        """Upload a model file; the `model` of a job request."""
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
        wait_for(lambda: self.http.get(url).json()["finished_at"] is not None, seconds=120)
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
def bench(running_up: Up) -> Iterator[Bench]:
    with httpx2.Client(base_url=running_up.url, timeout=60) as http:
        yield Bench(http)


def likeliest(prediction: dict[str, Any]) -> list[str | int]:
    return [choices[0]["label"] for choices in prediction["top"]]


def softmax(width: int, classes: int, **changes: object) -> dict[str, Any]:
    """A spec of a model that quickly learns which of `width` numbers is the largest."""
    loss = {"type": "categorical_cross_entropy", "target": "y"}
    spec = classifier_spec("x", [width], "p", classes, learning_rate=1.0, mini_batch_size=4, epochs=20)
    return spec | {"outputs": [{"name": "p"}], "loss": loss} | changes


def classifier(labels: list[str]) -> dict[str, Any]:
    named = {"labels": labels, "predicted_feature": "kind"}
    kind = [{"name": "kind", "type": "string"}]
    return softmax(len(labels), len(labels), classifier=named, outputs=kind, loss={"type": "categorical_cross_entropy"})


def rows_of(numbers: list[int]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Four rows for each number, scaled one-hot by number, and the numbers as labels."""
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
    ids=["numbers by text", "numbers from 1", "numbers with zeros", "names", "a number and a name"],
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
    predicted = bench.predict(job, x=x[::4].tolist())
    assert likeliest(predicted) == predicted["outputs"]["kind"] == expected
    measured = bench.evaluate(job, dataset)
    assert measured["accuracy"] == 1
    # The same examples with class names in place of the numbers give the same result.
    named = npz_named(bench, dict(zip(numbers, expected, strict=True)), x, y)
    if named is not None:
        assert bench.evaluate(job, named)["accuracy"] == 1


def npz_named(
    bench: Bench, called: dict[int, str], x: NDArray[np.float32], y: NDArray[np.int32]
) -> dict[str, Any] | None:
    """The examples as a table of class names; None where a table would parse the names as numbers."""
    if any(name.isdecimal() for name in called.values()):
        return None
    rows = [",".join([called[int(number)], *map(str, row)]) for number, row in zip(y, x, strict=True)]
    columns = [f"c{at}" for at in range(x.shape[1])]
    table = "\n".join([",".join(["kind", *columns]), *rows])
    return bench.add(table.encode(), "named.csv", target="kind", inputs=f"x:{','.join(columns)}")


def test_classifier_trained_with_an_index_target_predicts_its_labels(bench: Bench) -> None:
    # The training target is a separate index, not the predicted label.
    inputs = [{"name": "x", "shape": [3]}, {"name": "y", "shape": [1], "type": "int"}]
    spec = classifier(["7", "11", "5"]) | {
        "training_inputs": inputs,
        "loss": {"type": "categorical_cross_entropy", "target": "y"},
    }
    x, y = rows_of([5, 7, 11])
    dataset = bench.add(npz(x=x, y=y))
    job = bench.train({"spec": spec}, dataset)
    assert likeliest(bench.predict(job, x=x[::4].tolist())) == ["5", "7", "11"]
    assert bench.evaluate(job, dataset)["accuracy"] == 1


def test_numbered_classes_keep_the_names_of_the_dataset(bench: Bench) -> None:
    def table(rows: list[tuple[str, str]]) -> bytes:
        return ("y,a,b,c\n" + "".join(f"{name},{row}\n" for name, row in rows * 4)).encode()

    cat, dog, eel = ("cat", "9,0,0"), ("dog", "0,9,0"), ("eel", "0,0,9")
    columns = {"target": "y", "inputs": "x:a,b,c"}
    all_three = bench.add(table([cat, dog, eel]), "d.csv", **columns)
    # In this dataset's own numbering, 0 is dog and 1 is eel.
    two = bench.add(table([dog, eel]), "d.csv", **columns)
    others = bench.add(table([("ant", "9,0,0"), ("bee", "0,9,0"), ("cat", "0,0,9")]), "d.csv", **columns)
    job = bench.train({"spec": softmax(3, 3)}, all_three)
    assert bench.evaluate(job, two)["accuracy"] == 1
    assert bench.evaluate(job, two)["confusion"]["labels"] == ["cat", "dog", "eel"]
    refusal = bench.http.post(f"/jobs/{job['id']}/evaluate", json={"dataset": others["id"]})
    assert (
        "the dataset's classes 'ant', 'bee'; its classes are 'cat', 'dog', 'eel'"
        in refusal.json()["errors"][0]["detail"]
    )

    further = bench.train({"job": job["id"]}, two)
    assert further["request"]["dataset"]["classes"] == [[0, 1], [1, 2]]
    assert likeliest(bench.predict(further, x=[[9, 0, 0], [0, 9, 0], [0, 0, 9]])) == ["cat", "dog", "eel"]
    assert bench.evaluate(further, all_three)["accuracy"] == 1
    renamed = bench.train({"job": further["id"]}, others)
    assert (
        "trained on classes called 'cat', 'dog', 'eel', and the dataset's are called 'ant', 'bee'" in renamed["notice"]
    )
    assert likeliest(bench.predict(renamed, x=[[9, 0, 0], [0, 0, 9]])) == ["ant", "cat"]


def regression(shape: tuple[int, ...]) -> dict[str, Any]:
    """A spec whose arrays have exactly these axes, like models converted from PyTorch and TensorFlow."""
    return {
        "inputs": [{"name": "x", "shape": list(shape)}],
        "array_input_shape_mapping": "exact",
        "outputs": [{"name": "y"}],
        "layers": [{"type": "inner_product", "name": "dense", "output_channels": 1, "updatable": True, "output": "y"}],
        "loss": {"type": "mean_squared_error", "target": "truth"},
        "optimizer": {"type": "sgd", "learning_rate": 0.001, "mini_batch_size": 2},
        "epochs": 1,
    }


@pytest.mark.parametrize(
    ("shape", "truth"),
    [
        ((1, 4), (1, 1)),
        ((4, 5), (4, 1)),
        ((1, 3, 4, 5), (1, 1, 1, 1)),
        ((4,), (1,)),
        ((1,), (1,)),
        ((1, 1), (1, 1)),
        ((4, 1), (4, 1)),
        ((1, 4, 5), (1, 4, 1)),
        ((3, 4, 5), (3, 4, 1)),
        ((2, 3, 4, 5), (2, 1, 1, 1)),
        ((1, 1, 1, 1, 4), (1, 1, 1, 1, 1)),
        ((1, 1, 1, 1, 1), (1, 1, 1, 1, 1)),
    ],
)
def test_arrays_fit_models_of_every_input_rank(bench: Bench, shape: tuple[int, ...], truth: tuple[int, ...]) -> None:
    x = np.linspace(0, 1, 4 * int(np.prod(shape)), dtype=np.float32).reshape(4, *shape)
    dataset = bench.add(npz(x=x, truth=np.ones((4, *truth), np.float32)))
    job = bench.train({"spec": regression(shape)}, dataset)
    assert bench.evaluate(job, dataset)["examples"] == 4
    declared = bench.predict(job, x=x.tolist())["outputs"]["y"]
    assert np.shape(declared) == (4, *truth)
    # An example without its axes of length 1 gives the same result.
    assert bench.predict(job, x=x.reshape(4, *(n for n in shape if n > 1)).tolist())["outputs"]["y"] == declared


@pytest.mark.parametrize(("shape", "options"), [((1, 4), {}), ((1, 4), {"shape": "1,4"}), ((2, 2), {"shape": "2,2"})])
def test_table_fits_a_model_of_exact_shapes(bench: Bench, shape: tuple[int, ...], options: dict[str, str]) -> None:
    truth = "truth" if shape == (1, 4) else "truth:t,u"
    table = b"truth,t,u,a,b,c,d\n1,1,1,1,2,3,4\n2,2,2,2,3,4,5\n"
    dataset = bench.add(table, "d.csv", target=truth, inputs="x:a,b,c,d", **options)
    spec = regression(shape)
    if truth == "truth":
        job = bench.train({"spec": spec}, dataset)
        assert bench.evaluate(job, dataset)["loss"] is not None
        assert np.shape(bench.predict(job, x=[[1, 2, 3, 4], [1, 2, 3, 4]])["outputs"]["y"]) == (2, 1, 1)
    else:
        assert bench.train({"spec": spec}, dataset)["notice"] is None


def test_advice_of_a_shape_refusal_works(bench: Bench) -> None:
    spec = regression((4, 5))
    table = ("truth,t,u,v," + ",".join(f"c{at}" for at in range(20)) + "\n" + ",".join(["1"] * 24) + "\n").encode()
    columns = "x:" + ",".join(f"c{at}" for at in range(20))
    flat = bench.add(table, "d.csv", target="truth:truth,t,u,v", inputs=columns)
    assert "upload the table with shape=4,5" in bench.refused({"spec": spec}, flat)
    bench.train({"spec": spec}, bench.add(table, "d.csv", target="truth:truth,t,u,v", inputs=columns, shape="4,5"))
    two = bench.add(table, "d.csv", target="truth:truth,t,u,v", inputs=f"{columns};other:c0")
    assert "send an NPZ with an array [N, 4, 5]" in bench.refused({"spec": spec}, two)
    bench.train({"spec": spec}, bench.add(npz(x=np.ones((2, 4, 5)), truth=np.ones((2, 4, 1)), other=np.ones(2))))


@pytest.mark.parametrize("shape", [(1, 3, 8, 8), (1, 1, 8, 8), (8, 8)])
def test_images_fit_a_model_of_exact_shapes(bench: Bench, shape: tuple[int, ...]) -> None:
    is_gray = 3 not in shape
    layers = [{"type": "flatten", "name": "flat"}] if len(shape) > 2 else []
    spec = softmax(1, 2, layers=[*layers, *softmax(1, 2)["layers"]], array_input_shape_mapping="exact")
    spec |= {"inputs": [{"name": "x", "shape": list(shape)}]}
    spec["optimizer"] = spec["optimizer"] | {"learning_rate": 0.01}
    if not layers:
        spec = regression(shape)
    left = np.tile(np.repeat(np.array([230, 0], np.uint8), 4), (3, 8, 1))
    right = left[..., ::-1]
    if not is_gray:
        left, right = (np.repeat(each[..., None], 3, axis=-1) for each in (left, right))
    if layers:
        dataset = bench.add(zip_of_pictures({"left": left, "right": right}), "d.zip")
    else:
        dataset = bench.add(npz(x=np.concatenate([left, right]), truth=np.ones((6, 8), np.float32)))
    job = bench.train({"spec": spec}, dataset)
    numbers = [right[0] / 255 if is_gray else np.moveaxis(right[0], -1, 0) / 255]
    of_numbers = bench.predict(job, x=np.array(numbers).tolist())
    picture = {"content": png(right[0]), "headers": {"content-type": "image/png"}}
    of_picture = bench.http.post(f"/jobs/{job['id']}/predict?top=1", **picture).json()
    assert np.allclose(of_picture["outputs"][name := next(iter(of_picture["outputs"]))], of_numbers["outputs"][name])
    if layers:
        assert likeliest(of_picture) == ["right"]
        assert bench.evaluate(job, dataset)["accuracy"] == 1


def test_quantities_are_not_learned_from_class_names(bench: Bench) -> None:
    table = bench.add(b"truth,a,b,c,d\nlow,1,2,3,4\nhigh,2,3,4,5\n", "d.csv", target="truth", inputs="x:a,b,c,d")
    refusal = bench.refused({"spec": regression((4,))}, table)
    assert "'truth' holds class names ('high', 'low')" in refusal
    assert "categorical_cross_entropy" in refusal
    pictures = bench.add(
        zip_of_pictures({"21": np.zeros((2, 2, 2), np.uint8), "65": np.zeros((1, 2, 2), np.uint8)}), "d.zip"
    )
    spec = regression((1, 1, 1, 4)) | {"inputs": [{"name": "x", "shape": [1, 1, 2, 2]}]}
    assert "holds class names ('21', '65')" in bench.refused({"spec": spec}, pictures)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.int64])
def test_one_hot_labels_are_refused_with_advice(bench: Bench, dtype: type[np.generic]) -> None:
    x, y = rows_of([0, 1, 2])
    dataset = bench.add(npz(x=x, y=np.eye(3, dtype=dtype)[y]))
    refusal = bench.refused({"spec": softmax(3, 3)}, dataset)
    assert "the dataset's feature 'y' has the shape [3]; send class numbers instead of one-hot rows" in refusal
    bench.train({"spec": softmax(3, 3)}, bench.add(npz(x=x, y=np.eye(3, dtype=dtype)[y].argmax(axis=-1))))


def test_non_image_bytes_are_not_scaled(bench: Bench) -> None:
    points = np.array([[10, 10, 10, 10], [200, 200, 200, 200]], np.uint8)
    dataset = bench.add(npz(point=points, color=np.array([0, 1])))
    (notice,) = dataset["notices"]
    assert notice.startswith("the bytes of 'point', of shape [4], are used unscaled, 0 to 255")
    model = bench.upload(serialize(neighbors(number_of_dimensions=4, default_class_label=0, number_of_neighbors=1)))
    job = bench.train(model, dataset)
    assert bench.predict(job, point=points.tolist())["outputs"]["color"] == [0, 1]
    assert bench.evaluate(job, dataset)["accuracy"] == 1


def test_non_image_bytes_are_scaled_on_request_and_noted(bench: Bench) -> None:
    points = np.array([[0, 51, 102, 255]] * 2, np.uint8)
    dataset = bench.add(npz(point=points, color=np.array([0, 0])), scale="0.00392156862745098")
    assert dataset["notices"][0].startswith("the bytes of 'point' are multiplied by 1/255")
    model = bench.upload(serialize(neighbors(number_of_dimensions=4, default_class_label=0, number_of_neighbors=1)))
    job = bench.train(model, dataset)
    assert "the bytes of 'point' are multiplied by 0.00392157" in job["notice"]


@pytest.mark.parametrize("in_a_pipeline", [False, True])
def test_nearest_neighbours_learn_numeric_classes_as_strings(bench: Bench, in_a_pipeline: bool) -> None:
    learner = neighbors(number_of_neighbors=1)
    model = bench.upload(serialize(pipeline(embedding(), learner) if in_a_pipeline else learner))
    name = "x" if in_a_pipeline else "point"
    dataset = bench.add(npz(**{name: np.array([[0, 9], [9, 0]], np.float32), "color": np.array([10, 2])}))
    job = bench.train(model, dataset)
    predicted = bench.predict(job, **{name: [[9, 0], [0, 9]]})
    assert predicted["labels"] == ["10", "2"]
    measured = bench.evaluate(job, dataset)
    assert measured["confusion"]["labels"] == ["10", "2"]
    if not in_a_pipeline:
        assert predicted["outputs"]["color"] == ["2", "10"]
        assert measured["accuracy"] == 1
