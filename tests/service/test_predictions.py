import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from pippin.client import Client
from pippin.models.mlmodel import build, read
from pippin.models.mlmodel.proto import serialize
from pippin.models.spec import resolve
from pippin.network import predict
from tests.pippin.models.mlmodel.files import neighbors
from tests.service.conftest import MakeTrainer, RunningService, Trained
from tests.support.problems import fault, faults, is_problem

RNG = np.random.default_rng(11)
IMAGES = RNG.random((3, 1, 28, 28)).astype(np.float32)
PIXELS = RNG.integers(0, 256, (28, 28)).astype(np.uint8)


def network_output(model: bytes, images: NDArray[Any]) -> NDArray[Any]:
    known = read(model)
    return np.asarray(predict(known.resolved, known.weights, {"image": images})["output"])


def png(pixels: NDArray[np.uint8], form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, form)
    return file.getvalue()


def spec_of(shape: list[int], layers: list[dict[str, Any]], **changes: object) -> dict[str, Any]:
    return {
        "inputs": [{"name": "x", "shape": shape}],
        "layers": layers,
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 2},
        "epochs": 3,
    } | changes


@pytest.fixture
def job(trained: Trained, digits: bytes) -> str:
    """A job with the preset's model."""
    return trained(digits)


def dense(**softmax: str) -> list[dict[str, Any]]:
    """The layers of a network from a vector to two classes."""
    return [
        {"type": "inner_product", "name": "dense", "output_channels": 2, "updatable": True},
        {"type": "softmax", "name": "softmax", **softmax},
    ]


def test_batch_prediction_matches_the_network(http: httpx2.Client, job: str, digits: bytes) -> None:
    answer = http.post(f"/jobs/{job}/predict", json={"inputs": {"image": IMAGES.tolist()}}, params={"top": 2})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    prediction = answer.json()
    assert prediction.keys() == {"outputs", "labels", "top"}
    expected = network_output(digits, IMAGES)
    np.testing.assert_allclose(prediction["outputs"]["output"], expected, rtol=1e-4, atol=1e-7)
    assert prediction["labels"] is None
    assert [len(each) for each in prediction["top"]] == [2, 2, 2]
    assert [each[0]["label"] for each in prediction["top"]] == expected.argmax(axis=1).tolist()
    assert prediction["top"][1][0]["probability"] == pytest.approx(float(expected[1].max()), rel=1e-4)


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("PNG", "image/png"),
        ("PPM", "image/x-portable-graymap"),
        ("JPEG", "image/jpeg"),
        # As generated clients send it.
        ("PNG", "application/octet-stream"),
    ],
)
def test_image_is_scaled_like_the_training_data(
    form: str, kind: str, http: httpx2.Client, job: str, digits: bytes
) -> None:
    data = png(PIXELS, form)
    answer = http.post(f"/jobs/{job}/predict", content=data, headers={"content-type": kind})
    assert answer.status_code == 200, answer.text
    pixels = np.asarray(Image.open(io.BytesIO(data)))
    expected = network_output(digits, pixels[None, None].astype(np.float32) / 255)
    np.testing.assert_allclose(answer.json()["outputs"]["output"], expected, rtol=1e-4, atol=1e-7)
    assert len(answer.json()["top"][0]) == 5


def test_class_numbers_get_the_datasets_names(http: httpx2.Client, trained: Trained) -> None:
    file = io.BytesIO()
    np.savez(file, x=np.zeros((2, 4), np.float32), label=np.array([0, 1], np.int32))
    manifest = http.post("/datasets", params={"name": "named"}, content=file.getvalue()).json()
    assert manifest["labels"] is None
    csv = b"label,a,b,c,d\nbee,1,2,3,4\nant,4,3,2,1\n"
    named = http.post("/datasets", params={"name": "bugs", "format": "csv"}, content=csv).json()
    model = build(resolve(spec_of([4], dense(output="y"), outputs=[{"name": "y", "shape": [2]}])))
    asked = {"inputs": {"x": [1, 2, 3, 4]}}
    bind = {"x": "features", "y_true": "label"}
    prediction = http.post(f"/jobs/{trained(model, id=named['id'], bind=bind)}/predict", json=asked).json()
    assert sorted(prediction["labels"]) == ["ant", "bee"]
    assert prediction["labels"] == named["labels"]
    assert {choice["label"] for choice in prediction["top"][0]} == {"ant", "bee"}
    assert http.post(f"/jobs/{trained(model, id=manifest['id'])}/predict", json=asked).json()["labels"] is None


def test_classifier_predicts_labels(http: httpx2.Client, trained: Trained) -> None:
    names = {"labels": ["ant", "bee"], "predicted_feature": "bug", "probabilities": "shares"}
    job = trained(build(resolve(spec_of([4], dense(), classifier=names))))
    prediction = http.post(f"/jobs/{job}/predict", json={"inputs": {"x": [[1, 2, 3, 4], [4, 3, 2, 1]]}}).json()
    assert prediction["labels"] == ["ant", "bee"]
    assert prediction["outputs"]["bug"] == [choices[0]["label"] for choices in prediction["top"]]
    shares = prediction["outputs"]["shares"]
    assert [list(each) for each in shares] == [["ant", "bee"]] * 2
    assert sum(shares[0].values()) == pytest.approx(1)


def test_nearest_neighbours_predict_the_nearest_label(http: httpx2.Client, trained: Trained) -> None:
    model = neighbors([[0.0, 0.0], [3.0, 4.0]], ["red", "blue"], number_of_neighbors=1)
    job = trained(serialize(model))
    prediction = http.post(f"/jobs/{job}/predict", json={"inputs": {"point": [[3, 3], [1, 0]]}}).json()
    assert prediction["outputs"]["color"] == ["blue", "red"]
    assert prediction["labels"] == ["red", "blue"]
    assert prediction["top"][0] == [{"label": "blue", "probability": 1.0}, {"label": "red", "probability": 0.0}]


def test_wrong_shapes_are_reported_with_pointers(http: httpx2.Client, job: str) -> None:
    path = f"/jobs/{job}/predict"
    image = IMAGES[:1].tolist()
    image[0][0][3] = [0] * 27
    refused = http.post(path, json={"inputs": {"image": image}})
    assert faults(refused) == {"/inputs/image/0/0/3": "found a list of 27; needs a list of 28 numbers"}
    assert list(faults(http.post(path, json={"image": image}))) == ["/image", "/inputs"]
    assert "top" in faults(http.post(path, json={}, params={"top": 0}))


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"", "application/json", 400),
        (b"{", "application/json", 400),
        (b'{"inputs": {"image": [NaN]}}', "application/json", 400),
        (b"x", "image/gif", 415),
        (b"x", "text/plain", 415),
        (b"x", "image/png", 422),
        (bytes(1_000_001), "image/png", 413),
    ],
)
def test_invalid_prediction_request_is_refused(
    *, content: bytes, kind: str, status: int, http: httpx2.Client, job: str
) -> None:
    is_problem(http.post(f"/jobs/{job}/predict", content=content, headers={"content-type": kind}), status)


def test_deeply_nested_lists_are_refused(http: httpx2.Client, job: str) -> None:
    for depth in (100, 900, 980, 100_000):
        content = f'{{"inputs": {{"image": {"[" * depth}{"]" * depth}}}}}'
        answer = http.post(f"/jobs/{job}/predict", content=content, headers={"content-type": "application/json"})
        assert answer.status_code in (400, 422)


@pytest.mark.parametrize(
    ("call", "body"), [("predict", {"inputs": {"image": IMAGES.tolist()}}), ("evaluate", {"dataset": "tiny"})]
)
def test_job_without_a_trained_model_cannot_predict_or_evaluate(
    call: str, body: object, http: httpx2.Client, submitted: Callable[..., str], trainer: MakeTrainer
) -> None:
    job = submitted()
    is_problem(http.post(f"/jobs/{job}/{call}", json=body), 409, "state-conflict")
    attempt = trainer(job)
    attempt.begin()
    attempt.fail()
    is_problem(http.post(f"/jobs/{job}/{call}", json=body), 404, "not-found")
    is_problem(http.post(f"/jobs/job_{'0' * 26}/{call}", json=body), 404, "not-found")


def test_model_needing_a_hundred_gigabytes_is_refused(http: httpx2.Client, trained: Trained, job: str) -> None:
    # Blobs of 32,768 by 32,768 numbers, 4.3 GB each; 25 of them at once are 107 GB.
    layers: list[dict[str, Any]] = [
        *({"type": "upsample", "name": f"up{n}", "scaling_factor": [32, 32]} for n in range(3)),
        *({"type": "tanh", "name": f"tanh{n}"} for n in range(24)),
        {"type": "pooling", "name": "all", "pooling_type": "max", "kernel_size": [1, 1], "global_pooling": True},
        {"type": "flatten", "name": "flat"},
        *dense(output="y"),
    ]
    model = build(resolve(spec_of([1, 1, 1], layers, outputs=[{"name": "y", "shape": [2]}])))
    _, detail = fault(http.post(f"/jobs/{trained(model)}/predict", json={"inputs": {"x": [[[[1]]]]}}))
    assert "more than the 1.0 GiB of memory allowed" in detail
    question = {"inputs": {"image": IMAGES.tolist()}}
    assert http.post(f"/jobs/{job}/predict", json=question).status_code == 200


def test_unreadable_trained_model_is_reported(http: httpx2.Client, trained: Trained) -> None:
    answer = http.post(f"/jobs/{trained(b'no model')}/predict", json={"inputs": {}})
    place, detail = fault(answer)
    assert place == ""
    assert detail.startswith("the trained model cannot be read: found 8 bytes that are not an .mlmodel")


def test_client_predicts_arrays_and_images_and_evaluates(
    service: RunningService, tiny: dict[str, Any], job: str, tmp_path: Path
) -> None:
    (tmp_path / "digit.picture").write_bytes(png(PIXELS))
    with Client(service.url) as client:
        by_array = client.predict(job, {"image": PIXELS[None, None].astype(np.float32) / 255}, top=3)
        by_picture = client.predict(job, tmp_path / "digit.picture", top=3)
        report = client.evaluate(job, "tiny", split="train", max_examples=4)
    assert by_picture.top is not None
    assert by_array.top is not None
    assert [each.label for each in by_picture.top[0]] == [each.label for each in by_array.top[0]]
    assert (report.dataset, report.split, report.examples) == (tiny["id"], "train", 4)
