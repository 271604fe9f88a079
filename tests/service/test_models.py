"""Models over HTTP: upload in every form, records, downloads and refusals."""

import hashlib
import json
from typing import Any

import httpx2
import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder, SgdParams

from pippin.models.mlmodel import read
from pippin.models.mlmodel.proto import serialize
from pippin.models.record import ModelRecord
from tests.pippin.models.mlmodel.files import embedding, neighbors, network, pipeline
from tests.service.conftest import unannounced
from tests.service.hostile_models import mnist_file
from tests.support.paths import EXAMPLES, SWIFT_EXAMPLE
from tests.support.problems import fault, faults, is_problem

MNIST = mnist_file()
JSON = {"content-type": "application/json"}
YAML = {"content-type": "application/yaml"}


@pytest.fixture(scope="module")
def classifier() -> bytes:
    """An updatable classifier of two named classes, made with coremltools' builder."""
    builder = NeuralNetworkBuilder(
        [("x", datatypes.Array(3))],
        [("scores", datatypes.Array(2))],
        mode="classifier",
        disable_rank5_shape_mapping=False,
    )
    weights = np.arange(6, dtype=np.float32).reshape(2, 3)
    builder.add_inner_product("dense", weights, np.zeros(2), 3, 2, has_bias=True, input_name="x", output_name="dense")
    builder.add_softmax("softmax", "dense", "scores")
    builder.set_class_labels(["cat", "dog"], predicted_feature_name="animal", prediction_blob="scores")
    builder.make_updatable(["dense"])
    builder.set_categorical_cross_entropy_loss("loss", "scores")
    builder.set_sgd_optimizer(SgdParams(lr=0.1, batch=4))
    builder.set_epochs(3)
    return serialize(builder.spec)


@pytest.fixture(scope="module")
def colors() -> bytes:
    """A nearest-neighbour classifier, made with coremltools' builder."""
    return serialize(neighbors([[0.0, 0.0], [1.0, 0.5], [3.0, 4.0]], ["red", "blue", "red"]))


@pytest.fixture
def uploaded(http: httpx2.Client) -> dict[str, Any]:
    """The preset's file as the model `digits`."""
    answer = http.post("/models?name=digits", content=MNIST)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


@pytest.fixture
def small_swift() -> dict[str, Any]:
    """A network of SwiftCoreMLTools that is small enough to print with its weights."""
    document: dict[str, Any] = json.loads(SWIFT_EXAMPLE.read_text())
    network = document["neuralNetwork"]
    layers = [layer for layer in network["layers"] if layer["base"]["name"] in {"flatten1", "hidden2", "softmax"}]
    layers[0]["base"]["input"] = ["image"]
    layers[1]["base"] |= {"input": layers[0]["base"]["output"], "inputChannels": 784}
    network["layers"] = layers
    return document


def test_a_model_is_created_and_found_by_id_and_by_name(http: httpx2.Client) -> None:
    answer = http.post("/models?name=digits", content=MNIST)
    record = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (201, f"/models/{record['id']}")
    assert ModelRecord.model_validate_json(answer.content)
    assert "trainable" not in record
    digest = f"sha256:{hashlib.sha256(MNIST).hexdigest()}"
    assert (record["source"], record["bytes"], record["digest"]) == ("mlmodel", len(MNIST), digest)
    assert (record["model"]["kind"], record["model"]["parameter_count"]) == ("neural_network", 585_958)
    assert record["model"]["layers"][0]["output_shapes"] == [[32, 26, 26]]
    assert record["model"]["hyperparameters"]["learning_rate"]["maximum"] == 0.3
    for key in (record["id"], "digits"):
        response = http.get(f"/models/{key}")
        assert response.json() == record
        assert http.get(f"/models/{key}", headers={"if-none-match": response.headers["etag"]}).status_code == 304


def test_repeated_upload_returns_the_same_record(http: httpx2.Client, uploaded: dict[str, Any]) -> None:
    again = http.post("/models?name=digits", content=MNIST)
    assert (again.status_code, again.json()) == (200, uploaded)
    unnamed = http.post("/models", content=MNIST)
    assert (unnamed.status_code, unnamed.json()["name"]) == (201, None)
    assert http.post("/models", content=MNIST).json() == unnamed.json()
    assert len(http.get("/models").json()["data"]) == 2


def test_name_of_another_model_is_refused(http: httpx2.Client, uploaded: dict[str, Any], classifier: bytes) -> None:
    problem = is_problem(http.post("/models?name=digits", content=classifier), 409, "name-taken")
    assert uploaded["id"] in problem["detail"]


@pytest.mark.parametrize("found", ["application/octet-stream", "application/x-www-form-urlencoded", None])
def test_file_is_accepted_with_the_media_types_of_curl(http: httpx2.Client, found: str | None) -> None:
    headers = {} if found is None else {"content-type": found}
    assert http.post("/models", content=MNIST, headers=headers).status_code == 201


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("digits.mlmodel", "mlmodel"),
        ("mnist-cnn.json", "spec"),
        ("mnist-cnn.swiftcoremltools.json", "swiftcoremltools"),
        ("mnist-cnn.swiftcoremltools.yaml", "swiftcoremltools"),
    ],
)
def test_multipart_file_name_determines_the_source(http: httpx2.Client, name: str, source: str) -> None:
    content = MNIST if source == "mlmodel" else (EXAMPLES / name).read_bytes()
    answer = http.post("/models", files=[("file", (name, content))])
    assert (answer.status_code, answer.json()["source"]) == (201, source)


@pytest.mark.parametrize(
    ("name", "found", "source"),
    [
        ("mnist-cnn.json", "application/vnd.pippin+json", "spec"),
        ("mnist-cnn.json", "application/yaml; charset=utf-8", "spec"),
        ("mnist-cnn.swiftcoremltools.json", "application/json", "swiftcoremltools"),
        ("mnist-cnn.swiftcoremltools.yaml", "application/yaml", "swiftcoremltools"),
        ("mnist-cnn.swiftcoremltools.yaml", "text/yaml", "swiftcoremltools"),
        ("mnist-cnn.swiftcoremltools.yaml", "application/x-yaml", "swiftcoremltools"),
    ],
)
def test_a_document_is_built_and_stored_as_a_file(http: httpx2.Client, name: str, found: str, source: str) -> None:
    answer = http.post("/models?name=m", content=(EXAMPLES / name).read_bytes(), headers={"content-type": found})
    assert answer.status_code == 201, answer.text
    record = answer.json()
    assert (record["source"], record["findings"]) == (source, [])
    assert record["model"]["parameter_count"] == 585_958
    built = http.get("/models/m/file").content
    assert f"sha256:{hashlib.sha256(built).hexdigest()}" == record["digest"]
    again = http.post("/models?name=m", content=built)
    assert (again.status_code, again.json()) == (200, record)


def test_classifier_record_lists_its_classes(http: httpx2.Client, classifier: bytes) -> None:
    model = http.post("/models", content=classifier).json()["model"]
    assert (model["kind"], model["labels"]) == ("neural_network_classifier", ["cat", "dog"])
    assert [feature["name"] for feature in model["training_inputs"]] == ["x", "animal"]


def test_nearest_neighbours_record_lists_its_classes(http: httpx2.Client, colors: bytes) -> None:
    model = http.post("/models", content=colors).json()["model"]
    assert (model["kind"], model["neighbors"]["samples"]) == ("nearest_neighbors", 3)
    assert model["neighbors"]["classes"][0] == {"label": "red", "count": 2}


def test_pipeline_record_lists_its_models(http: httpx2.Client) -> None:
    model = http.post("/models", content=serialize(pipeline(embedding(), network()))).json()["model"]
    assert (model["kind"], model["last"]["kind"]) == ("pipeline", "neural_network")
    assert [stage["layers"][0]["name"] for stage in model["front"]] == ["embed"]
    assert [feature["name"] for feature in model["training_inputs"]] == ["x", "y_true"]


def test_findings_point_into_the_document(http: httpx2.Client, small_swift: dict[str, Any]) -> None:
    small_swift["neuralNetwork"]["layers"][1]["base"]["colour"] = "red"
    answer = http.post("/models?name=noted", json=small_swift)
    assert answer.status_code == 201, answer.text
    (finding,) = answer.json()["findings"]
    assert (finding["rule"], finding["pointer"]) == ("swiftcoremltools.reading", "/neuralNetwork/layers/1/base")
    assert "'colour'" in finding["detail"]
    (validated,) = http.post("/specs/validate", json=small_swift).json()["findings"]
    # httpx2 sends JSON in one line.
    assert validated == finding | {"line": 1, "column": validated["column"]}
    assert http.get("/models/noted").json()["findings"] == [finding]


def test_faults_of_a_swift_document_point_into_it(http: httpx2.Client, small_swift: dict[str, Any]) -> None:
    small_swift["neuralNetwork"]["layers"][1]["base"]["inputChannels"] = 5
    for path in ("/models", "/specs/validate"):
        assert fault(http.post(path, json=small_swift))[0] == "/neuralNetwork/layers/1/base/inputChannels"


def test_spec_faults_name_the_broken_rule(http: httpx2.Client, mnist_spec: dict[str, Any]) -> None:
    mnist_spec["layers"][1]["name"] = mnist_spec["layers"][0]["name"]
    mnist_spec["layers"][2]["pooling_type"] = "median"
    problem = is_problem(http.post("/models", json=mnist_spec), 422, "invalid-request")
    rules = {item["pointer"]: item.get("rule", "no member") for item in problem["errors"]}
    assert rules == {"/layers/1/name": "names.layers-unique", "/layers/2/pooling_type": "no member"}


@pytest.mark.parametrize(
    ("content", "message"), [(b"", "not JSON"), (b'{"a": 1,}', "line 1, column"), (b"[" * 200_000, "deeply")]
)
def test_malformed_json_is_a_400(http: httpx2.Client, content: bytes, message: str) -> None:
    answer = http.post("/models", content=content, headers=JSON)
    assert message in is_problem(answer, 400, "malformed-body")["detail"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: [1, 2\n", "line 3, column 1"),
        (b"[" * 200_000, "deeply"),
        (b"a: \xff", "UTF-8"),
        (b"a: !!python/object/apply:os.getcwd []\n", "tag"),
        (b"a: &a [" + b"x, " * 9 + b"x]\n" + b"".join(b"b%d: *a\n" % n for n in range(2000)), "10,000 values"),
    ],
)
def test_malformed_yaml_is_a_400(http: httpx2.Client, content: bytes, message: str) -> None:
    for path in ("/models", "/specs/validate"):
        answer = http.post(path, content=content, headers=YAML)
        assert message in is_problem(answer, 400, "malformed-body")["detail"]


@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b"{}", b'"x"'])
@pytest.mark.parametrize("headers", [JSON, YAML])
def test_document_of_another_kind_is_a_422(http: httpx2.Client, content: bytes, headers: dict[str, str]) -> None:
    for path in ("/models", "/specs/validate"):
        assert faults(http.post(path, content=content, headers=headers))


def test_other_media_type_is_a_415_that_lists_the_accepted_ones(http: httpx2.Client) -> None:
    answer = http.post("/models", content=b"x", headers={"content-type": "text/plain"})
    is_problem(answer, 415, "unsupported-media-type")
    assert answer.headers["accept"] == (
        "multipart/form-data, application/octet-stream, application/json, application/yaml"
    )


def test_several_files_are_a_400(http: httpx2.Client) -> None:
    files = [("file", ("a.mlmodel", MNIST[:100])), ("file", ("b.mlmodel", MNIST[:100]))]
    assert "2 files" in is_problem(http.post("/models", files=files), 400, "malformed-body")["detail"]


@pytest.mark.parametrize("headers", [{}, JSON, YAML])
def test_too_large_body_is_a_413_with_or_without_content_length(http: httpx2.Client, headers: dict[str, str]) -> None:
    for body in (bytes(5_000_001), unannounced()):
        assert "5,000,000 bytes" in is_problem(http.post("/models", content=body, headers=headers), 413)["detail"]


def test_a_document_of_a_model_that_is_too_large_is_refused(http: httpx2.Client, mnist_spec: dict[str, Any]) -> None:
    hidden = next(layer for layer in mnist_spec["layers"] if layer["name"] == "hidden1")
    for channels, message in ((2_000, "needs at most 5,000,000"), (200_000, "memory"), (2**24, "500000000")):
        hidden["output_channels"] = channels
        details = faults(http.post("/models", json=mnist_spec))
        assert any(message in detail for detail in details.values()), details


def test_models_are_listed_newest_first_page_by_page(http: httpx2.Client) -> None:
    for number in range(3):
        assert http.post(f"/models?name=m{number}", content=MNIST).status_code == 201
    first = http.get("/models?limit=2").json()
    assert [record["name"] for record in first["data"]] == ["m2", "m1"]
    assert "trainable" not in first["data"][0]
    second = http.get("/models", params={"limit": 2, "after": first["next"]}).json()
    assert [record["name"] for record in second["data"]] == ["m0"]
    assert (second["has_more"], second["next"]) == (False, None)


def test_file_download_supports_ranges_and_etags(http: httpx2.Client, uploaded: dict[str, Any]) -> None:
    path = f"/models/{uploaded['id']}/file"
    whole = http.get(path)
    assert whole.content == MNIST
    assert whole.headers["etag"] == f'"{uploaded["digest"].removeprefix("sha256:")}"'
    assert whole.headers["repr-digest"].startswith("sha-256=:")
    part = http.get(path, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, MNIST[10:20])
    assert http.get(path, headers={"if-none-match": whole.headers["etag"]}).status_code == 304
    head = http.head(path)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", str(len(MNIST)))


@pytest.mark.parametrize(
    ("query", "file"),
    [("", "{id}.mlmodel"), ("?name=digits", "digits.mlmodel"), ("?name=digits.mlmodel", "digits.mlmodel")],
    ids=["no name", "name", "name with the extension"],
)
def test_file_is_saved_under_the_models_name_or_id(http: httpx2.Client, query: str, file: str) -> None:
    model_id = http.post(f"/models{query}", content=MNIST).json()["id"]
    disposition = http.get(f"/models/{model_id}/file").headers["content-disposition"]
    assert disposition == f'attachment; filename="{file.format(id=model_id)}"'


def test_network_as_spec_round_trips_its_layers(http: httpx2.Client, uploaded: dict[str, Any]) -> None:
    document = http.get("/models/digits/spec").json()
    assert not {"weights", "bias"} & set(document["layers"][0])
    again = http.post("/models", json=document)
    assert again.status_code == 201, again.text
    assert again.json()["model"] == uploaded["model"]


def test_network_as_swiftcoremltools_round_trips_its_weights(http: httpx2.Client, small_swift: dict[str, Any]) -> None:
    assert http.post("/models?name=small", json=small_swift).status_code == 201
    document = http.get("/models/small/spec?form=swiftcoremltools").json()
    assert http.post("/models?name=again", json=document).status_code == 201
    first, second = (read(http.get(f"/models/{name}/file").content) for name in ("small", "again"))
    assert first.weights["hidden2"]["weights"].any()
    for key, array in first.weights["hidden2"].items():
        assert np.array_equal(second.weights["hidden2"][key], array)


@pytest.mark.parametrize("form", ["pippin", "swiftcoremltools"])
def test_nearest_neighbours_have_no_spec(http: httpx2.Client, colors: bytes, form: str) -> None:
    http.post("/models?name=colors", content=colors)
    place, detail = fault(http.get(f"/models/colors/spec?form={form}"))
    assert place == "form"
    assert "not a single network" in detail


def test_features_unsupported_by_swiftcoremltools_are_all_reported(
    http: httpx2.Client, uploaded: dict[str, Any]
) -> None:
    problem = is_problem(http.get(f"/models/{uploaded['id']}/spec?form=swiftcoremltools"), 422, "invalid-request")
    assert {error["parameter"] for error in problem["errors"]} == {"form"}
    assert any(error["detail"].startswith("/optimizer/mini_batch_size: ") for error in problem["errors"])


@pytest.mark.usefixtures("uploaded")
def test_unknown_spec_form_is_refused(http: httpx2.Client) -> None:
    assert fault(http.get("/models/digits/spec?form=onnx"))[0] == "form"


def test_a_deleted_model_is_gone_and_its_name_free(
    http: httpx2.Client, uploaded: dict[str, Any], classifier: bytes
) -> None:
    assert http.delete("/models/digits").status_code == 204
    for path in ("", "/file", "/spec"):
        is_problem(http.get(f"/models/{uploaded['id']}{path}"), 404, "not-found")
    is_problem(http.delete("/models/digits"), 404, "not-found")
    assert http.post("/models?name=digits", content=classifier).status_code == 201
