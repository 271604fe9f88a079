"""Messages for an invalid job, spec or query: all faults at once, with suggestions, once for each kind of fault."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import pytest
import yaml

from pippin.models.spec.presets import preset
from tests.service.conftest import Submit, Trained
from tests.support.paths import EXAMPLES
from tests.support.problems import faults, is_problem

JSON = {"content-type": "application/json"}
KERAS = {"class_name": "Sequential", "config": {"name": "m", "layers": []}, "keras_version": "3.0"}
COMPOSE = {"services": {"web": {"image": "nginx"}}, "volumes": {}}
OPENAPI = {"openapi": "3.1.0", "info": {"title": "x", "version": "1"}, "paths": {}}
SWIFT = {"inputs": [], "outputs": [], "neuralNetwork": {"layers": []}}


Refused = Callable[[str, object], dict[str, str]]


@pytest.fixture
def refused(http: httpx2.Client) -> Refused:
    """Posts a document; the details of its faults by pointer."""
    return lambda path, document: faults(http.post(path, content=json.dumps(document), headers=JSON))


def test_faults_of_all_parts_of_a_job_are_reported_at_once(refused: Refused) -> None:
    wrong: dict[str, dict[str, Any]] = {
        "model": {"preset": "mnist-cnm"},
        "dataset": {"id": "nowhere", "validation_fraction": 2},
        "hyperparameters": {"epochs": 1.5, "mini_batch_size": 0, "beta1": 2, "lr": 1},
        "checkpoint": {"keep": 0},
    }
    details = refused("/jobs", wrong | {"name": "a/b", "engine": "tpu", "labels": {"a\nb": "1"}})
    places = {f"/{part}/{field}" for part, fields in wrong.items() for field in fields}
    assert details.keys() >= places | {"/name", "/engine"}
    assert any(place.startswith("/labels") for place in details)


def test_faults_of_a_spec_and_the_other_parts_are_reported_at_once(
    refused: Refused, mnist_spec: dict[str, Any], tiny: dict[str, Any]
) -> None:
    mnist_spec["layers"][2]["pooling_type"] = "median"
    hyperparameters = {"epochs": 10**6, "mini_batch_size": 0, "learning_rate": "fast"}
    dataset = {"id": tiny["id"] + "0"}
    details = refused("/jobs", {"model": {"spec": mnist_spec}, "dataset": dataset, "hyperparameters": hyperparameters})
    places = {f"/hyperparameters/{name}" for name in hyperparameters}
    assert details.keys() == places | {"/model/spec/layers/2/pooling_type", "/dataset/id"}


def test_one_faulty_part_does_not_hide_dataset_faults(refused: Refused, tiny: dict[str, Any]) -> None:
    dataset = {"id": tiny["id"], "train": "trian", "bind": {"imge": "image"}, "shuffle": True}
    request = {"model": {"preset": "mnist-cnn"}, "dataset": dataset, "hyperparameters": {"epochs": True}}
    details = refused("/jobs", request)
    assert details.keys() == {"/dataset/train", "/dataset/bind/imge", "/dataset/shuffle", "/hyperparameters/epochs"}
    assert details["/dataset/shuffle"].endswith("shuffle is a field of /hyperparameters")


# By the message: the names that it is the answer to.
HYPERPARAMETERS = {
    "did you mean 'learning_rate'?": "lr LR learningRate learning-rate learnig_rate eta",
    "did you mean 'mini_batch_size'?": "batch_size batchSize miniBatchSize per_device_train_batch_size",
    "did you mean 'epochs'?": "num_epochs n_epochs epoch Epochs",
    "did you mean 'eps'?": "epsilon",
    "did you mean 'beta1'?": "beta_1",
    "use beta1 and beta2": "betas",
    "did you mean 'seed'?": "random_state",
    "did you mean 'number_of_neighbors'?": "n_neighbors",
    "validation_fraction is a field of /dataset": "validation_split",
    "no weight decay": "weight_decay",
    "no Nesterov": "nesterov",
    "Core ML has no dropout": "dropout",
    "the learning rate stays the same": "lr_scheduler",
    "the optimizer belongs to the model": "optimizer",
    "the loss belongs to the model": "loss",
}
FIELDS = {
    "epochs is a field of /hyperparameters": "epochs",
    "learning_rate is a field of /hyperparameters": "lr",
    "mini_batch_size is a field of /hyperparameters": "batch_size",
    "validation_fraction is a field of /dataset": "validation_fraction",
    "preset is a field of /model": "preset",
    "did you mean 'hyperparameters'?": "hparams",
    "did you mean 'compute_units'?": "computeUnits",
    "did you mean 'labels'?": "tags",
}


@pytest.mark.parametrize(
    ("part", "hints"), [("hyperparameters", HYPERPARAMETERS), ("", FIELDS)], ids=["hyperparameters", "fields of a job"]
)
def test_fields_by_other_names_or_at_the_wrong_level_are_recognised(
    refused: Refused, job_request: dict[str, Any], part: str, hints: dict[str, str]
) -> None:
    for hint, names in hints.items():
        wrong = dict.fromkeys(names.split(), 1)
        details = refused("/jobs", job_request | ({part: wrong} if part else wrong))
        prefix = f"/{part}/" if part else "/"
        assert details.keys() == {prefix + name for name in wrong}
        assert [detail for detail in details.values() if hint not in detail] == []


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
    refused: Refused, job_request: dict[str, Any], part: str, given: dict[str, Any], hint: str
) -> None:
    assert hint in refused("/jobs", job_request | {part.split("/")[1]: given})[part]


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("inner_product", "Dense dense Linear fullyConnected innerProduct"),
        ("convolution", "Conv2D Conv2d convolutoin"),
        ("pooling", "MaxPooling2D AvgPool2d GlobalAveragePooling2D"),
        ("flatten", "Flatten"),
        ("relu", "ReLU"),
        ("leaky_relu", "LeakyReLU"),
        ("batchnorm", "BatchNormalization BatchNorm2d"),
        ("uni_directional_lstm", "LSTM"),
        ("concat", "Concatenate"),
    ],
)
def test_types_of_layers_by_other_names_are_recognised(
    refused: Refused, mnist_spec: dict[str, Any], kind: str, names: str
) -> None:
    for name in names.split():
        mnist_spec["layers"][0]["type"] = name
        assert refused("/specs/validate", mnist_spec)["/layers/0/type"].endswith(f"; did you mean {kind!r}?")


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
    refused: Refused, mnist_spec: dict[str, Any], change: dict[str, object], pointer: str, hint: str
) -> None:
    assert hint in refused("/specs/validate", mnist_spec | change)[pointer]


def test_the_types_of_layers_are_listed_once(refused: Refused, mnist_spec: dict[str, Any]) -> None:
    for layer in mnist_spec["layers"]:
        layer["type"] = f"my_{layer['type']}"
    details = [detail for place, detail in refused("/specs/validate", mnist_spec).items() if place.endswith("/type")]
    assert sum("uni_directional_lstm" in detail for detail in details) == 1


def test_faults_of_one_kind_are_grouped_with_their_count(http: httpx2.Client, mnist_spec: dict[str, Any]) -> None:
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
def test_document_of_another_kind_is_identified_in_one_sentence(
    refused: Refused, document: object, message: str
) -> None:
    for path in ("/jobs", "/specs/validate"):
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


def test_records_from_responses_are_not_job_requests(refused: Refused, submit: Submit, tiny: dict[str, Any]) -> None:
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
    ("query", "messages"),
    [
        ("?lim=5&after=zzz&status=done", {"lim": "limit", "after": "zzz", "status": "'done'"}),
        ("?page_size=5&limit=0", {"page_size": "did you mean 'limit'?", "limit": "1 or more"}),
        ("?limit=5&limit=6", {"limit": "found 2 values; needs one"}),
        ("?limit=x&label=y", {"limit": "a whole number", "label": "key=value"}),
    ],
)
def test_query_faults_are_reported_at_once(http: httpx2.Client, query: str, messages: dict[str, str]) -> None:
    details = faults(http.get(f"/jobs{query}"))
    assert details.keys() == messages.keys()
    assert all(message in details[name] for name, message in messages.items())


def test_dataset_option_faults_are_reported_at_once(http: httpx2.Client) -> None:
    details = faults(http.post("/datasets?scale=0&colour=grey&header=maybe", content=b"x,label\n1,2\n"))
    assert details.keys() == {"name", "scale", "colour", "header"}
    assert "did you mean 'color'?" in details["colour"]
    details = faults(http.post("/datasets?scale=0&color=grey&name=last", content=b"x,label\n1,2\n"))
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
    *, http: httpx2.Client, trained: Trained, digits: bytes, path: str, body: bytes, place: str
) -> None:
    trained(digits)
    answer = http.post(path, content=body, headers={"content-type": "application/json"})
    detail = is_problem(answer, 400, "malformed-body")["detail"]
    assert " twice" in detail
    assert f"in the object at {place}." in detail if place else "in the object" not in detail


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_swift_document_in_json_or_yaml_is_validated_and_not_stored(http: httpx2.Client, form: str) -> None:
    content = (EXAMPLES / f"mnist-cnn.swiftcoremltools.{form}").read_bytes()
    answer = http.post("/specs/validate", content=content, headers={"content-type": f"application/{form}"})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["parameter_count"], answer.json()["findings"]) == (585_958, [])
    assert http.get("/models").json()["data"] == []


def test_empty_yaml_is_a_400(http: httpx2.Client) -> None:
    answer = http.post("/specs/validate", content=b"", headers={"content-type": "application/yaml"})
    assert "empty" in is_problem(answer, 400, "malformed-body")["detail"]


def test_faults_in_yaml_have_the_same_pointers(http: httpx2.Client, mnist_spec: dict[str, Any]) -> None:
    mnist_spec["layers"][2]["pooling_type"] = "median"
    content = json.dumps(mnist_spec).encode()
    in_json, in_yaml = (
        is_problem(http.post("/specs/validate", content=content, headers={"content-type": kind}), 422)["errors"]
        for kind in ("application/json", "application/yaml")
    )
    assert in_json == in_yaml
    assert in_json[0]["pointer"] == "/layers/2/pooling_type"


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_faults_and_findings_of_a_spec_have_their_lines(
    http: httpx2.Client, mnist_spec: dict[str, Any], form: str
) -> None:
    def text(document: dict[str, Any]) -> str:
        return json.dumps(document, indent=2) if form == "json" else yaml.safe_dump(document, sort_keys=False)

    mnist_spec["layers"][2]["pooling_type"] = "median"
    del mnist_spec["layers"][0]["kernel_size"]
    content = text(mnist_spec)
    answer = http.post("/specs/validate", content=content, headers={"content-type": f"application/{form}"})
    places = {item["pointer"]: (item["line"], item["column"]) for item in is_problem(answer, 422)["errors"]}
    lines = content.splitlines()
    line, column = places["/layers/2/pooling_type"]
    assert "median" in lines[line - 1]
    assert lines[line - 1][column - 1 :].lstrip('"').startswith(("pooling_type", "median"))
    # A missing field is at the layer that lacks it.
    line, _ = places["/layers/0/kernel_size"]
    assert mnist_spec["layers"][0]["name"] in "".join(lines[line - 1 : line + 4])
