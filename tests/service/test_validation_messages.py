"""Messages for an invalid job, spec or query: all faults at once, with suggestions, once for each kind of fault."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from pippin.models.spec.presets import preset

IsProblem = Callable[..., dict[str, Any]]

JSON = {"content-type": "application/json"}
KERAS = {"class_name": "Sequential", "config": {"name": "m", "layers": []}, "keras_version": "3.0"}
COMPOSE = {"services": {"web": {"image": "nginx"}}, "volumes": {}}
OPENAPI = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {}}
SWIFT = {"inputs": [], "outputs": [], "neuralNetwork": {"layers": []}}


@pytest.fixture
def refused(http: httpx2.Client, is_problem: IsProblem) -> Callable[..., dict[str, str]]:
    """Posts a document; the details of its faults by pointer."""

    def post(path: str, document: object) -> dict[str, str]:
        errors = is_problem(http.post(path, content=json.dumps(document), headers=JSON), 422)["errors"]
        details = {error["pointer"]: error["detail"] for error in errors}
        assert len(details) == len(errors)
        return details

    return post


Refused = Callable[..., dict[str, str]]


def test_faults_of_all_parts_of_a_job_are_reported_at_once(refused: Refused) -> None:
    details = refused(
        "/jobs",
        {
            "name": "a/b",
            "model": {"preset": "mnist-cnm"},
            "dataset": {"id": "nowhere", "validation_fraction": 2},
            "hyperparameters": {"epochs": 1.5, "mini_batch_size": 0, "beta1": 2, "lr": 1},
            "engine": "tpu",
            "labels": {"a\nb": "1"},
            "checkpoint": {"keep": 0},
        },
    )
    assert details.keys() >= {
        "/name",
        "/model/preset",
        "/dataset/id",
        "/dataset/validation_fraction",
        "/hyperparameters/epochs",
        "/hyperparameters/mini_batch_size",
        "/hyperparameters/beta1",
        "/hyperparameters/lr",
        "/engine",
        "/checkpoint/keep",
    }
    assert any(place.startswith("/labels") for place in details)


def test_faults_of_a_spec_and_the_other_parts_are_reported_at_once(
    refused: Refused, mnist_spec: dict[str, Any], tiny: dict[str, Any]
) -> None:
    mnist_spec["layers"][2]["pooling_type"] = "median"
    details = refused(
        "/jobs",
        {
            "model": {"spec": mnist_spec},
            "dataset": {"id": tiny["id"] + "0"},
            "hyperparameters": {"epochs": 10**6, "mini_batch_size": 0, "learning_rate": "fast"},
        },
    )
    assert details.keys() == {
        "/model/spec/layers/2/pooling_type",
        "/dataset/id",
        "/hyperparameters/epochs",
        "/hyperparameters/mini_batch_size",
        "/hyperparameters/learning_rate",
    }


def test_one_faulty_part_does_not_hide_dataset_faults(refused: Refused, tiny: dict[str, Any]) -> None:
    details = refused(
        "/jobs",
        {
            "model": {"preset": "mnist-cnn"},
            "dataset": {"id": tiny["id"], "train": "trian", "bind": {"imge": "image"}, "shuffle": True},
            "hyperparameters": {"epochs": True},
        },
    )
    assert details.keys() == {"/dataset/train", "/dataset/bind/imge", "/dataset/shuffle", "/hyperparameters/epochs"}
    assert details["/dataset/shuffle"].endswith("shuffle is a field of /hyperparameters")


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("lr", "did you mean 'learning_rate'?"),
        ("LR", "did you mean 'learning_rate'?"),
        ("learningRate", "did you mean 'learning_rate'?"),
        ("learning-rate", "did you mean 'learning_rate'?"),
        ("learnig_rate", "did you mean 'learning_rate'?"),
        ("eta", "did you mean 'learning_rate'?"),
        ("batch_size", "did you mean 'mini_batch_size'?"),
        ("batchSize", "did you mean 'mini_batch_size'?"),
        ("miniBatchSize", "did you mean 'mini_batch_size'?"),
        ("per_device_train_batch_size", "did you mean 'mini_batch_size'?"),
        ("num_epochs", "did you mean 'epochs'?"),
        ("n_epochs", "did you mean 'epochs'?"),
        ("epoch", "did you mean 'epochs'?"),
        ("Epochs", "did you mean 'epochs'?"),
        ("epsilon", "did you mean 'eps'?"),
        ("beta_1", "did you mean 'beta1'?"),
        ("betas", "use beta1 and beta2"),
        ("random_state", "did you mean 'seed'?"),
        ("n_neighbors", "did you mean 'number_of_neighbors'?"),
        ("validation_split", "validation_fraction is a field of /dataset"),
        ("weight_decay", "no weight decay"),
        ("nesterov", "no Nesterov"),
        ("dropout", "Core ML has no dropout"),
        ("lr_scheduler", "the learning rate stays the same"),
        ("optimizer", "the optimizer belongs to the model"),
        ("loss", "the loss belongs to the model"),
    ],
)
def test_hyperparameters_by_other_names_are_recognised(
    refused: Refused, job_request: dict[str, Any], name: str, hint: str
) -> None:
    details = refused("/jobs", job_request | {"hyperparameters": {name: 1}})
    assert details.keys() == {f"/hyperparameters/{name}"}
    assert hint in details[f"/hyperparameters/{name}"]


@pytest.mark.parametrize(
    ("field", "hint"),
    [
        ("epochs", "epochs is a field of /hyperparameters"),
        ("lr", "learning_rate is a field of /hyperparameters"),
        ("batch_size", "mini_batch_size is a field of /hyperparameters"),
        ("validation_fraction", "validation_fraction is a field of /dataset"),
        ("preset", "preset is a field of /model"),
        ("hparams", "did you mean 'hyperparameters'?"),
        ("computeUnits", "did you mean 'compute_units'?"),
        ("tags", "did you mean 'labels'?"),
    ],
)
def test_fields_at_the_wrong_level_are_recognised(
    refused: Refused, job_request: dict[str, Any], field: str, hint: str
) -> None:
    assert hint in refused("/jobs", job_request | {field: 1})[f"/{field}"]


def test_model_given_as_a_string_gets_an_example(refused: Refused, job_request: dict[str, Any]) -> None:
    details = refused("/jobs", job_request | {"model": "mnist-cnn"})
    assert 'such as {"preset": "mnist-cnn"}, or {"id": "…"} for an uploaded model' in details["/model"]


@pytest.mark.parametrize(
    ("part", "given", "hint"),
    [
        ("/dataset/split", {"id": "digits", "split": "train"}, "did you mean 'train'?"),
        ("/checkpoint/every", {"every": 2}, "did you mean 'every_epochs'?"),
    ],
)
def test_fields_of_a_part_by_other_names_are_recognised(
    *, refused: Refused, job_request: dict[str, Any], part: str, given: dict[str, Any], hint: str
) -> None:
    assert hint in refused("/jobs", job_request | {part.split("/")[1]: given})[part]


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        ("Dense", "inner_product"),
        ("dense", "inner_product"),
        ("Linear", "inner_product"),
        ("fullyConnected", "inner_product"),
        ("innerProduct", "inner_product"),
        ("Conv2D", "convolution"),
        ("Conv2d", "convolution"),
        ("MaxPooling2D", "pooling"),
        ("AvgPool2d", "pooling"),
        ("GlobalAveragePooling2D", "pooling"),
        ("Flatten", "flatten"),
        ("ReLU", "relu"),
        ("LeakyReLU", "leaky_relu"),
        ("BatchNormalization", "batchnorm"),
        ("BatchNorm2d", "batchnorm"),
        ("LSTM", "uni_directional_lstm"),
        ("Concatenate", "concat"),
        ("convolutoin", "convolution"),
    ],
)
def test_types_of_layers_by_other_names_are_recognised(
    refused: Refused, mnist_spec: dict[str, Any], kind: str, hint: str
) -> None:
    mnist_spec["layers"][0]["type"] = kind
    assert refused("/specs/validate", mnist_spec)["/layers/0/type"].endswith(f"; did you mean {hint!r}?")


@pytest.mark.parametrize(
    ("change", "pointer", "hint"),
    [
        ({"optimizer": "Adam"}, "/optimizer", '{"type": "adam"}'),
        ({"optimizer": "SGD"}, "/optimizer", '{"type": "sgd"}'),
        ({"optimizer": {"type": "Adam"}}, "/optimizer/type", "did you mean 'adam'?"),
        ({"optimizer": {"type": "RMSprop"}}, "/optimizer/type", "did you mean 'adam'?"),
        ({"loss": "mse"}, "/loss", '{"type": "mean_squared_error"}'),
        ({"loss": "categorical_cross_entropy"}, "/loss", '{"type": "categorical_cross_entropy"}'),
        ({"loss": {"type": "cross_entropy"}}, "/loss/type", "did you mean 'categorical_cross_entropy'?"),
        ({"loss": {"type": "CrossEntropyLoss"}}, "/loss/type", "did you mean 'categorical_cross_entropy'?"),
        ({"loss": {"type": "mse"}}, "/loss/type", "did you mean 'mean_squared_error'?"),
        ({"learning_rate": 1}, "/learning_rate", "learning_rate is a field of /optimizer"),
        ({"trainingInputs": []}, "/trainingInputs", "did you mean 'training_inputs'?"),
        ({"optimiser": {}}, "/optimiser", "did you mean 'optimizer'?"),
    ],
)
def test_keys_and_values_of_a_spec_by_other_names_are_recognised(
    *, refused: Refused, mnist_spec: dict[str, Any], change: dict[str, object], pointer: str, hint: str
) -> None:
    assert hint in refused("/specs/validate", mnist_spec | change)[pointer]


def test_the_types_of_layers_are_listed_once(refused: Refused, mnist_spec: dict[str, Any]) -> None:
    for layer in mnist_spec["layers"]:
        layer["type"] = f"my_{layer['type']}"
    details = [detail for place, detail in refused("/specs/validate", mnist_spec).items() if place.endswith("/type")]
    assert sum("uni_directional_lstm" in detail for detail in details) == 1


def test_faults_of_one_kind_are_grouped_with_their_count(
    http: httpx2.Client, is_problem: IsProblem, mnist_spec: dict[str, Any]
) -> None:
    mnist_spec["layers"] += [{"type": "relu", "name": f"r{n}", "colour": "red"} for n in range(611)]
    problem = is_problem(http.post("/specs/validate", json=mnist_spec), 422)
    assert len(problem["errors"]) < 10
    (line,) = (error for error in problem["errors"] if "colour" in error["detail"])
    assert line["pointer"] == "/layers/11/colour"
    assert line["detail"] == (
        "there is no field 'colour' (and 610 more of this kind, at /layers/12/colour, /layers/13/colour, "
        "/layers/14/colour, …)"
    )
    assert problem["detail"].startswith("The request has ")
    assert " of " in problem["detail"]


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([1, 2], "this is a list of 2"),
        ("text", "this is a text"),
        (7, "this is a number"),
        (None, "this is null"),
        (KERAS, "this looks like a Keras or TensorFlow.js model"),
        ({"format": "layers-model", "modelTopology": KERAS}, "this looks like a Keras or TensorFlow.js model"),
        (OPENAPI, "this looks like an OpenAPI description"),
        (COMPOSE, "this looks like a Compose file of Docker"),
        ({"apiVersion": "v1", "kind": "Pod", "metadata": {}}, "this looks like a Kubernetes manifest"),
        ({"cells": [], "nbformat": 4, "metadata": {}}, "this looks like a Jupyter notebook"),
        ({"architectures": ["Bert"], "hidden_size": 768}, "this looks like a configuration of a Hugging Face model"),
        ({"specificationVersion": 4, "description": {}}, "this looks like the protobuf of a Core ML model in JSON"),
        ({"foo": 1, "bar": 2}, "this has none of the fields of"),
    ],
)
@pytest.mark.parametrize("path", ["/jobs", "/specs/validate"])
def test_document_of_another_kind_is_identified_in_one_sentence(
    refused: Refused, path: str, document: object, message: str
) -> None:
    details = refused(path, document)
    assert details.keys() == {""}
    assert details[""].startswith(message)


def test_spec_and_swiftcoremltools_documents_are_distinguished(
    refused: Refused, mnist_spec: dict[str, Any], tiny: dict[str, Any]
) -> None:
    assert "a job has it under `model`, as `spec`" in refused("/jobs", mnist_spec)[""]
    assert "as `swiftcoremltools`" in refused("/jobs", SWIFT)[""]
    request = {"model": {"spec": SWIFT}, "dataset": tiny["id"]}
    assert "give it as `swiftcoremltools`" in refused("/jobs", request)["/model/spec"]
    request = {"model": {"swiftcoremltools": mnist_spec}, "dataset": tiny["id"]}
    assert "give it as `spec`" in refused("/jobs", request)["/model/swiftcoremltools"]


def test_records_from_responses_are_not_job_requests(
    refused: Refused, submit: Callable[..., dict[str, Any]], tiny: dict[str, Any]
) -> None:
    assert "under `request`" in refused("/jobs", submit())[""]
    assert "a dataset's record" in refused("/jobs", tiny)[""]


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_a_job_is_validated_and_not_submitted(http: httpx2.Client, job_request: dict[str, Any], form: str) -> None:
    content = json.dumps(job_request).encode()
    answer = http.post("/specs/validate", content=content, headers={"content-type": f"application/{form}"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["kind"] == "neural_network"
    assert answer.json() == http.post("/specs/validate", json=preset("mnist-cnn")).json()
    assert http.get("/jobs").json()["data"] == []


def test_validation_reports_the_same_faults_as_submission(
    http: httpx2.Client, job_request: dict[str, Any], refused: Refused
) -> None:
    wrong = job_request | {"dataset": "nowhere", "hyperparameters": {"epochs": 1.5, "mini_batch_size": 0}}
    details = refused("/specs/validate", wrong)
    assert details == refused("/jobs", wrong)
    assert details.keys() == {"/dataset", "/hyperparameters/epochs", "/hyperparameters/mini_batch_size"}
    assert http.get("/jobs").json()["data"] == []


def test_job_with_a_stored_model_is_validated(http: httpx2.Client, job_request: dict[str, Any], digits: bytes) -> None:
    model = http.post("/models", params={"name": "digits"}, content=digits).json()
    answer = http.post("/specs/validate", json=job_request | {"model": {"id": "digits"}})
    assert answer.status_code == 200, answer.text
    assert answer.json() == model["model"]


@pytest.mark.parametrize(
    ("query", "faults"),
    [
        ("?lim=5&after=zzz&status=done", {"lim": "limit", "after": "zzz", "status": "'done'"}),
        ("?page_size=5&limit=0", {"page_size": "did you mean 'limit'?", "limit": "1 or more"}),
        ("?limit=5&limit=6", {"limit": "found 2 values; needs one"}),
        ("?limit=x&label=y", {"limit": "a whole number", "label": "key=value"}),
    ],
)
def test_query_faults_are_reported_at_once(
    http: httpx2.Client, is_problem: IsProblem, query: str, faults: dict[str, str]
) -> None:
    errors = is_problem(http.get(f"/jobs{query}"), 422, "invalid-request")["errors"]
    details = {error["parameter"]: error["detail"] for error in errors}
    assert details.keys() == faults.keys()
    assert all(message in details[name] for name, message in faults.items())


def test_dataset_option_faults_are_reported_at_once(http: httpx2.Client, is_problem: IsProblem) -> None:
    answer = http.post("/datasets?scale=0&colour=grey&header=maybe", content=b"x,label\n1,2\n")
    details = {error["parameter"]: error["detail"] for error in is_problem(answer, 422)["errors"]}
    assert details.keys() == {"name", "scale", "colour", "header"}
    assert "did you mean 'color'?" in details["colour"]
    answer = http.post("/datasets?scale=0&color=grey&name=last", content=b"x,label\n1,2\n")
    details = {error["parameter"]: error["detail"] for error in is_problem(answer, 422)["errors"]}
    assert details.keys() == {"name", "scale", "color"}


@pytest.mark.parametrize(
    ("path", "body", "place"),
    [
        ("/jobs", b'{"model": {"preset": "a", "preset": "b"}, "dataset": "m"}', "/model"),
        ("/jobs", b'{"model": {"spec": {"layers": [{}, {"name": "a", "name": "b"}]}}}', "/model/spec/layers/1"),
        ("/specs/validate", b'{"layers": [{"type": "relu", "type": "tanh"}]}', "/layers/0"),
        ("/models?name=m", b'{"layers": [{"type": "relu", "type": "tanh"}]}', "/layers/0"),
        ("/jobs/last/evaluate", b'{"bind": {"x": "a", "x": "b"}}', "/bind"),
        ("/jobs/last/predict", b'{"inputs": {"x": [1], "x": [2]}}', "/inputs"),
        ("/jobs/last/retry", b'{"from_checkpoint": true, "from_checkpoint": false}', ""),
    ],
)
def test_duplicate_key_is_refused_with_its_place_by_every_route(
    *,
    http: httpx2.Client,
    trained: Callable[..., str],
    digits: bytes,
    is_problem: IsProblem,
    path: str,
    body: bytes,
    place: str,
) -> None:
    trained(digits)
    answer = http.post(path, content=body, headers={"content-type": "application/json"})
    detail = is_problem(answer, 400, "malformed-body")["detail"]
    assert " twice" in detail
    assert f"in the object at {place}." in detail if place else "in the object" not in detail
