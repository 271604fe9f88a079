import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pippin.models.mlmodel import build
from pippin.models.mlmodel.proto import serialize
from pippin.models.spec import resolve
from tests.pippin.cli.conftest import Invoke
from tests.pippin.models.mlmodel.files import embedding, neighbors, network, pipeline
from tests.support.paths import EXAMPLES


def test_valid_spec_is_shown_layer_by_layer(invoke: Invoke, small_spec: Callable[..., object], tmp_path: Path) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(small_spec()))
    assert invoke.ok("validate", file).splitlines() == [
        "LAYER    TYPE           OUTPUT  PARAMETERS",
        "dense    inner_product  3               15",
        "softmax  softmax        3                0",
        f"{file} can be trained: 15 parameters.",
    ]


def test_spec_from_stdin_is_validated_as_json(invoke: Invoke, small_spec: Callable[..., object]) -> None:
    description = invoke.json("validate", "-", stdin=json.dumps(small_spec()))
    assert description["parameter_count"] == 15
    assert description["layers"][0]["weight_shapes"] == {"weights": [3, 4], "bias": [3]}


def test_every_fault_has_its_pointer_and_line(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "spec.yaml"
    file.write_text(
        "inputs:\n"
        "  - {name: x, shape: [4]}\n"
        "outputs:\n"
        "  - {name: y, shape: [3]}\n"
        "layers:\n"
        "  - {type: inner_product, name: dense, output_channels: -3, updatable: true}\n"
        "  - type: softmax\n"
        "    name: softmax\n"
        "    colour: red\n"
        "loss: {type: categorical_cross_entropy}\n"
        "optimizer: {type: sgd, learning_rate: 1e-1, mini_batch_size: 2}\n"
        "epochs: 3\n"
    )
    done = invoke("validate", file, "--json")
    assert (done.exit_code, done.stdout) == (3, "")
    assert f"Error: {file} is not a model that can be trained." in done.stderr
    assert f"{file}:6:40: layers[0].output_channels: " in done.stderr
    assert f"{file}:9:5: layers[1].colour: " in done.stderr
    assert "learning_rate" not in done.stderr


@pytest.mark.parametrize("ending", ["json", "yaml"])
def test_swiftcoremltools_document_is_validated(invoke: Invoke, ending: str) -> None:
    file = EXAMPLES / f"mnist-cnn.swiftcoremltools.{ending}"
    shown = invoke.ok("validate", file)
    assert shown.splitlines()[-1] == f"{file} can be trained: 585,958 parameters."
    assert "Warning" not in shown


def test_faults_of_a_swift_document_have_the_lines_of_the_document(invoke: Invoke, tmp_path: Path) -> None:
    text = (EXAMPLES / "mnist-cnn.swiftcoremltools.yaml").read_text()
    file = tmp_path / "swift.yaml"
    file.write_text(text.replace("- type: reLu\n", "- type: relu\n", 1))
    line = text.splitlines().index("  - type: reLu") + 1
    assert f"{file}:{line}:5: neuralNetwork.layers[1].type: " in invoke.refused(3, "validate", file)


def test_runtime_risk_is_a_warning_with_its_line(
    invoke: Invoke, small_spec: Callable[..., object], tmp_path: Path
) -> None:
    layers = [
        {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
        {"type": "batchnorm", "name": "norm"},
        {"type": "softmax", "name": "softmax"},
    ]
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(small_spec(layers=layers), indent=1))
    shown = invoke.ok("validate", file).splitlines()
    line = file.read_text().splitlines().index('   "type": "batchnorm",')
    (warning,) = [each for each in shown if each.startswith("Warning: ")]
    assert warning.startswith(f"Warning: {file}:{line}:3: layers[1]: found the batch normalization 'norm'")
    assert warning.endswith("(runtime.batchnorm)")


def test_mlmodel_file_is_validated_like_a_document(
    invoke: Invoke, small_spec: Callable[..., object], tmp_path: Path
) -> None:
    file = tmp_path / "small.mlmodel"
    file.write_bytes(build(resolve(small_spec())))
    assert invoke.ok("validate", file).splitlines()[1:] == [
        "dense    inner_product  3               15",
        "softmax  softmax        3                0",
        f"{file} can be trained: 15 parameters.",
    ]
    assert invoke.json("validate", file)["kind"] == "neural_network"


def test_nearest_neighbours_are_shown_by_their_classes(invoke: Invoke, tmp_path: Path) -> None:
    labels = ["red", "red", *(f"grey {number}" for number in range(29))]
    file = tmp_path / "colors.mlmodel"
    file.write_bytes(serialize(neighbors([[float(number), 0.5] for number in range(31)], labels)))
    lines = invoke.ok("validate", file).splitlines()
    assert lines[0].startswith("The nearest of 31 samples of 2 numbers; neighbors 3 (")
    assert lines[2].split() == ["red", "2"]
    assert lines[-2:] == ["and 10 more classes", f"{file} can be trained: 31 samples."]


def test_a_pipeline_is_shown_model_by_model(invoke: Invoke, tmp_path: Path) -> None:
    file = tmp_path / "pipeline.mlmodel"
    file.write_bytes(serialize(pipeline(embedding(), network())))
    assert invoke.ok("validate", file).splitlines() == [
        "Model 0, frozen",
        "LAYER  TYPE           OUTPUT  PARAMETERS",
        "embed  inner_product  2                6",
        "relu   relu           2                0",
        "Model 1, trained",
        "LAYER    TYPE           OUTPUT  PARAMETERS",
        "dense    inner_product  2                6",
        "softmax  softmax        2                0",
        f"{file} can be trained: 1 frozen model before 6 parameters.",
    ]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "bad.mlmodel is empty (0 bytes); send it again"),
        (b"hello", "found 5 bytes"),
        (b"\x08\x04", "found 2 bytes"),
        (b"version https://git-lfs.github.com/spec/v1\n", "bad.mlmodel is a Git LFS pointer, not the file itself; "),
    ],
)
def test_invalid_model_file_is_refused(invoke: Invoke, tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "bad.mlmodel"
    file.write_bytes(content)
    done = invoke("validate", file, "--json")
    assert (done.exit_code, done.stdout) == (3, "")
    assert done.stderr.startswith(f"Error: {file} is not a model that can be trained.\n  {said}")


def test_missing_file_is_a_usage_error(invoke: Invoke, tmp_path: Path) -> None:
    invoke.refused(2, "validate", tmp_path / "none.mlmodel")


def test_job_file_of_pippin_new_is_valid(invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Nothing listens on port 9 of the loopback: no service answers.
    monkeypatch.setenv("PIPPIN_URL", "http://127.0.0.1:9")
    file = tmp_path / "job.yaml"
    invoke.ok("new", file)
    shown = " ".join(invoke.ok("validate", file).split())
    assert f"{file} is a job that can be submitted." in shown
    assert "hidden1" in shown
    assert "Not checked: the dataset (no service responds at http://127.0.0.1:9)." in shown


def test_all_faults_of_a_job_are_reported_with_their_lines(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_URL", "http://127.0.0.1:9")
    file = tmp_path / "job.yaml"
    file.write_text(
        "model:\n"
        "  spec: {layers: [{type: Dense, name: a}]}\n"
        "dataset: digits\n"
        "hyperparameters:\n"
        "  epochs: 1.5\n"
        "  mini_batch_size: 0\n"
        "  lr: 0.1\n"
    )
    refusal = " ".join(invoke.refused(3, "validate", file).split())
    for text in (
        ":5:3: hyperparameters.epochs",
        ":6:3: hyperparameters.mini_batch_size",
        ":7:3: hyperparameters.lr",
        "model.spec.layers[0].type",
        "did you mean 'inner_product'?",
        "did you mean 'learning_rate'?",
    ):
        assert text in refusal


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("openapi: 3.1.0\npaths: {}\n", "this looks like an OpenAPI description, not a model spec"),
        ("services: {web: {image: nginx}}\n", "this looks like a Compose file of Docker, not a model spec"),
        (
            '{"class_name": "Sequential", "config": {}}',
            "this looks like a Keras or TensorFlow.js model, not a model spec",
        ),
        ("colour: red\n", "this has none of the fields of a model spec"),
    ],
)
def test_other_kinds_of_documents_are_named(invoke: Invoke, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "file.yaml"
    file.write_text(content)
    refusal = invoke.refused(3, "validate", file)
    assert said in " ".join(refusal.split())
    assert "is required" not in refusal
