import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx2
import pytest

from pippin.blobs import Blobs
from pippin.store import Idempotency, Store
from service.http.idempotency import fingerprint
from tests.service.conftest import MakeTrainer, Submit
from tests.service.hostile_models import mnist_file
from tests.support.paths import SWIFT_EXAMPLE
from tests.support.problems import faults, is_problem

Accepted = Callable[[dict[str, Any]], dict[str, Any]]


@pytest.fixture
def accepted(http: httpx2.Client, job_request: dict[str, Any]) -> Accepted:
    """Submits a job with this model; the request as the service resolved it, its model without empty fields."""

    def submit(model: dict[str, Any]) -> dict[str, Any]:
        answer = http.post("/jobs", json=job_request | {"model": model})
        assert answer.status_code == 202, answer.text
        request = answer.json()["request"]
        return dict(request | {"model": {name: value for name, value in request["model"].items() if value is not None}})

    return submit


@pytest.mark.parametrize(
    ("change", "pointer", "message"),
    [
        ({"model": {}}, "/model", "exactly one of preset, spec"),
        ({"model": None}, "/model", "needs an object"),
        ({"model": {"preset": "resnet"}}, "/model/preset", "mnist-cnn"),
        ({"dataset": 5}, "/dataset", "found 5; needs an object"),
        ({"dataset": "nothing"}, "/dataset", "tiny"),
        ({"dataset": {"id": "nothing"}}, "/dataset/id", "there is no dataset 'nothing'"),
        ({"dataset": {}}, "/dataset/id", "required"),
        (
            {"dataset": {"id": "tiny", "training": "y"}},
            "/dataset/training",
            "no field 'training'; did you mean 'train'",
        ),
        ({"dataset": {"id": "tiny", "train": "all"}}, "/dataset/train", "its splits are train, test"),
        ({"dataset": {"id": "tiny", "validation_fraction": 2}}, "/dataset/validation_fraction", "less than 1"),
        ({"dataset": {"id": "tiny", "bind": {"image": "pixels"}}}, "/dataset/bind/image", "pixels"),
        ({"hyperparameters": {"epochs": "many"}}, "/hyperparameters/epochs", "whole number"),
        ({"hyperparameters": {"epochs": True}}, "/hyperparameters/epochs", "whole number"),
        ({"hyperparameters": {"learning_rate": 7}}, "/hyperparameters/learning_rate", "0.3"),
        ({"hyperparameters": {"momentum": 0.9}}, "/hyperparameters/momentum", "declares no momentum"),
        ({"labels": {"a": 1}}, "/labels/a", "needs a text"),
        ({"labels": {"": "x"}}, "/labels/", "at least 1 character"),
        ({"labels": {"a/b~c": 1}}, "/labels/a~1b~0c", "needs a text"),
        ({"engine": "cuda"}, "/engine", "'auto', 'jax' or 'coreml'"),
        ({"engine": "jax", "compute_units": "cpu_only"}, "/compute_units", "but the engine is jax"),
        ({"compute_units": "gpu"}, "/compute_units", "'all', 'cpu_only', 'cpu_and_gpu' or 'cpu_and_neural_engine'"),
        ({"max_attempts": 0}, "/max_attempts", "1 or more"),
        ({"surprise": 1}, "/surprise", "no field 'surprise'"),
    ],
)
def test_fault_has_the_pointer_into_the_request(
    http: httpx2.Client, job_request: dict[str, Any], change: dict[str, Any], pointer: str, message: str
) -> None:
    details = faults(http.post("/jobs", json=job_request | change))
    assert list(details) == [pointer]
    assert message in details[pointer]
    assert http.get("/jobs").json()["data"] == []


@pytest.fixture(scope="module")
def mnist() -> bytes:
    return mnist_file()


@pytest.fixture
def digits(http: httpx2.Client, mnist: bytes) -> dict[str, Any]:
    """The preset's file, uploaded as `digits`."""
    return dict(http.post("/models?name=digits", content=mnist).json())


def test_an_uploaded_model_is_found_by_id_and_by_name(accepted: Accepted, digits: dict[str, Any]) -> None:
    for key in (digits["id"], "digits"):
        model = accepted({"id": key})["model"]
        assert model == {"id": digits["id"], "digest": digits["digest"], "name": "digits"}


def test_job_keeps_a_deleted_model(
    http: httpx2.Client, job_request: dict[str, Any], digits: dict[str, Any], blobs: Blobs
) -> None:
    job = http.post("/jobs", json=job_request | {"model": {"id": "digits"}}).json()
    assert http.delete("/models/digits").status_code == 204
    assert http.get(f"/jobs/{job['id']}").json() == job
    assert blobs.head(job["request"]["model"]["digest"]) == digits["bytes"]
    is_problem(http.post("/jobs", json=job_request | {"model": {"id": "digits"}}), 422)


def test_trained_model_of_another_job_can_be_trained_further(
    accepted: Accepted, submit: Submit, trainer: MakeTrainer, blobs: Blobs, mnist: bytes
) -> None:
    attempt = trainer(submit(name="first")["id"])
    attempt.begin()
    digest = blobs.put_bytes(mnist)
    attempt.succeed(digest, len(mnist))
    request = accepted({"job": attempt.job_id})
    assert request["model"] == {"job": attempt.job_id, "digest": digest, "name": "first"}
    assert request["hyperparameters"]["learning_rate"] == 0.0001


@pytest.fixture
def swift() -> dict[str, Any]:
    """A model of SwiftCoreMLTools."""
    return dict(json.loads(SWIFT_EXAMPLE.read_text()))


def test_swift_model_is_translated_to_a_spec(
    http: httpx2.Client, job_request: dict[str, Any], store: Store, swift: dict[str, Any]
) -> None:
    answer = http.post("/jobs", json={"model": {"swiftcoremltools": swift}, "dataset": job_request["dataset"]})
    assert answer.status_code == 202, answer.text
    job = answer.json()
    assert job["request"]["model"]["swiftcoremltools"]["shortDescription"] == "MNIST-Trainable"
    assert job["request"]["hyperparameters"]["epochs"] == 5
    spec = store.jobs.spec("default", job["id"])
    assert spec is not None
    assert spec["layers"][0]["output_channels"] == 32


def test_swift_model_faults_point_into_the_swift_document(
    http: httpx2.Client, job_request: dict[str, Any], swift: dict[str, Any]
) -> None:
    layers = swift["neuralNetwork"]["layers"]
    layers[0]["base"]["kernelSize"] = [300, 3]
    layers[2]["type"] = "pool"
    answer = http.post("/jobs", json=job_request | {"model": {"swiftcoremltools": swift}})
    details = faults(answer)
    assert "/model/swiftcoremltools/neuralNetwork/layers/2/type" in details


@pytest.mark.parametrize(
    ("model", "pointer", "message"),
    [
        ({"id": "nothing"}, "/model/id", "the newest are digits"),
        ({"id": "model_" + "0" * 26}, "/model/id", "the newest are digits"),
        ({"job": "job_" + "0" * 26}, "/model/job", "there is no job"),
        ({"job": "nothing"}, "/model/job", "there is no job"),
        ({"job": "{queued}"}, "/model/job", "has no model yet"),
        ({"job": "{queued}:events"}, "/model/job", "there is no job"),
        ({"job": "{failed}"}, "/model/job", "has no model"),
        ({"job": "{broken}"}, "/model/job", "not an .mlmodel"),
        ({"swiftcoremltools": {"layers": []}}, "/model/swiftcoremltools", "such as neuralNetwork; it has layers"),
        ({"id": "digits", "preset": "mnist-cnn"}, "/model", "exactly one of"),
        ({"id": "digits", "digest": "x"}, "/model/digest", "no field 'digest'"),
    ],
)
@pytest.mark.usefixtures("digits")
def test_unavailable_model_is_reported_at_its_reference(
    *,
    http: httpx2.Client,
    job_request: dict[str, Any],
    submit: Submit,
    trainer: MakeTrainer,
    blobs: Blobs,
    model: dict[str, Any],
    pointer: str,
    message: str,
) -> None:
    jobs = {name: trainer(submit()["id"]) for name in ("queued", "failed", "broken")}
    for name in ("failed", "broken"):
        jobs[name].begin()
    jobs["failed"].fail()
    jobs["broken"].succeed(blobs.put_bytes(b"no model"), 8)
    ids = {name: attempt.job_id for name, attempt in jobs.items()}
    model = {key: value.format(**ids) if isinstance(value, str) else value for key, value in model.items()}
    details = faults(http.post("/jobs", json=job_request | {"model": model}))
    assert pointer in details
    assert message in details[pointer]


def test_all_faults_are_reported_at_once(
    http: httpx2.Client, job_request: dict[str, Any], mnist_spec: dict[str, Any]
) -> None:
    mnist_spec["layers"][3]["kernel_size"] = [20, 20]
    mnist_spec["layers"][5]["pooling_type"] = "median"
    body = job_request | {
        "model": {"spec": mnist_spec},
        "dataset": {"id": "nothing"},
        "hyperparameters": {"epoch": 3},
        "max_attempts": 0,
    }
    details = faults(http.post("/jobs", json=body))
    assert set(details) == {
        "/model/spec/layers/3/kernel_size/0",
        "/model/spec/layers/3/kernel_size/1",
        "/model/spec/layers/5/pooling_type",
        "/dataset/id",
        "/hyperparameters/epoch",
        "/max_attempts",
    }


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"3", b"null", b"true"])
def test_body_other_than_an_object_has_one_fault_at_the_root(http: httpx2.Client, body: bytes) -> None:
    headers = {"content-type": "application/json"}
    for path in ("/jobs", "/specs/validate"):
        assert list(faults(http.post(path, content=body, headers=headers))) == [""]


def test_label_outside_the_models_classes_is_reported_with_its_row(http: httpx2.Client) -> None:
    rows = "\n".join(f"{label}," + ",".join(["0"] * 784) for label in (1, 2, 17))
    added = http.post("/datasets?name=rows&shape=1,28,28", content=rows.encode(), headers={"content-type": "text/csv"})
    assert added.status_code == 201, added.text
    answer = http.post("/jobs", json={"model": {"preset": "mnist-cnn"}, "dataset": "rows"})
    assert "row 3" in faults(answer)["/dataset"]


KEY = {"idempotency-key": "one"}


def test_same_idempotency_key_returns_the_same_job(http: httpx2.Client, job_request: dict[str, Any]) -> None:
    first = http.post("/jobs", json=job_request, headers={"idempotency-key": '"one"'})
    body = b'{"dataset":"tiny", "hyperparameters":{"epochs":3},"model":{"preset":"mnist-cnn"}}'
    second = http.post("/jobs", content=body, headers=KEY | {"content-type": "application/json"})
    assert (second.status_code, second.json()) == (202, first.json())
    assert second.headers["location"] == first.headers["location"]
    assert len(http.get("/jobs").json()["data"]) == 1


def test_same_key_returns_the_first_job_after_its_dataset_is_deleted(
    http: httpx2.Client, job_request: dict[str, Any], tiny: dict[str, Any]
) -> None:
    first = http.post("/jobs", json=job_request, headers=KEY)
    http.post(f"/jobs/{first.json()['id']}/cancel")
    assert http.delete(f"/datasets/{tiny['id']}").status_code == 204
    second = http.post("/jobs", json=job_request, headers=KEY)
    assert second.json()["id"] == first.json()["id"]


def test_same_key_with_another_body_is_refused(http: httpx2.Client, job_request: dict[str, Any]) -> None:
    http.post("/jobs", json=job_request, headers=KEY)
    is_problem(http.post("/jobs", json=job_request | {"name": "x"}, headers=KEY), 422, "idempotency-mismatch")


def test_repeat_during_the_first_request_is_a_409(
    http: httpx2.Client, job_request: dict[str, Any], store: Store
) -> None:
    store.idempotency.begin("default", Idempotency("one", fingerprint(job_request)))
    answer = http.post("/jobs", json=job_request, headers=KEY)
    is_problem(answer, 409, "idempotency-in-flight")
    assert answer.headers["retry-after"] == "1"


def test_key_of_a_refused_request_can_be_reused(http: httpx2.Client, job_request: dict[str, Any]) -> None:
    is_problem(http.post("/jobs", json=job_request | {"max_attempts": 0}, headers=KEY), 422, "invalid-request")
    assert http.post("/jobs", json=job_request, headers=KEY).status_code == 202


def test_concurrent_requests_with_one_key_create_one_job(http: httpx2.Client, job_request: dict[str, Any]) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: http.post("/jobs", json=job_request, headers=KEY), range(24)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert len(http.get("/jobs").json()["data"]) == 1


@pytest.mark.parametrize("key", ["", '""', '"open', "x" * 256, 'a"b', '"é"'.encode()])
def test_invalid_idempotency_key_is_refused(http: httpx2.Client, job_request: dict[str, Any], key: str | bytes) -> None:
    answer = http.post("/jobs", json=job_request, headers=[("idempotency-key", key)])
    assert list(faults(answer)) == ["Idempotency-Key"]
