"""`pippin models` against a whole, real Pippin."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pippin.client import Client
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from tests.conftest import Up
from tests.pippin.cli.conftest import Invoke
from tests.support.paths import EXAMPLES
from tests.support.specs import digits_spec


@pytest.fixture
def with_service(with_service: Invoke, running_up: Up) -> Iterator[Invoke]:
    """Runs command lines that ask a service without models; it has none afterwards either."""

    def delete_models() -> None:
        with Client(running_up.url) as client:
            for record in list(client.models()):
                client.delete_model(record.id)

    delete_models()
    yield with_service
    delete_models()


@pytest.fixture
def spec(small_spec: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return small_spec()


@pytest.fixture
def file(spec: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "small.mlmodel"
    path.write_bytes(build(resolve(spec)))
    return path


def test_a_file_is_added_listed_shown_and_downloaded(with_service: Invoke, file: Path, tmp_path: Path) -> None:
    added = with_service.ok("models", "add", file, "--name", "small")
    model_id = added.partition(":")[0]
    assert added == f"{model_id}: small, 15 parameters, {file.stat().st_size} B.\n"

    heading, row = with_service.ok("models", "list").splitlines()
    assert heading.split() == ["NAME", "ID", "KIND", "CONTENT", "SIZE", "CREATED"]
    assert row.split()[:6] == ["small", model_id, "neural", "network", "15", "parameters"]

    shown = with_service.ok("models", "show", "small")
    assert shown.splitlines()[0] == model_id
    assert "  trained on      x float 4, y_true int 1\n" in shown
    assert "  learning_rate   0.1\n" in shown
    assert "dense    inner_product  3               15\n" in shown

    downloaded = with_service.json("models", "download", "small", "-o", tmp_path / "back.mlmodel")
    assert downloaded["bytes"] == file.stat().st_size
    assert (tmp_path / "back.mlmodel").read_bytes() == file.read_bytes()


def test_models_commands_print_json(with_service: Invoke, file: Path) -> None:
    added = with_service.json("models", "add", file)
    assert (added["name"], added["source"]) == (None, "mlmodel")
    assert with_service.json("models", "show", added["id"]) == added
    assert with_service.json("models", "list") == [added]


@pytest.mark.parametrize(
    "name", ["mnist-cnn.json", "mnist-cnn.swiftcoremltools.json", "mnist-cnn.swiftcoremltools.yaml"]
)
def test_a_document_is_added(with_service: Invoke, name: str) -> None:
    assert ": digits, 585,958 parameters, " in with_service.ok("models", "add", EXAMPLES / name, "--name", "digits")


def test_document_is_read_from_stdin(with_service: Invoke, spec: dict[str, Any]) -> None:
    assert with_service.json("models", "add", "-", stdin=json.dumps(spec))["source"] == "spec"


def test_a_network_is_exported_in_either_language(with_service: Invoke, tmp_path: Path) -> None:
    narrow = json.loads((EXAMPLES / "mnist-cnn.json").read_text())
    (hidden,) = (layer for layer in narrow["layers"] if layer["name"] == "hidden1")
    hidden["output_channels"] = 8
    with_service.ok("models", "add", "-", "--name", "digits", stdin=json.dumps(narrow))
    spec = json.loads(with_service.ok("models", "export", "digits"))
    assert resolve(spec).parameter_count == resolve(narrow).parameter_count
    said = with_service.ok("models", "export", "digits", "--as", "swiftcoremltools", "-o", tmp_path / "digits.json")
    assert said.startswith(f"{tmp_path / 'digits.json'} (")
    exported = json.loads((tmp_path / "digits.json").read_text())
    assert len(exported["neuralNetwork"]["layers"][0]["base"]["weight"]) == 288


def test_inexpressible_export_is_refused_with_the_reason(with_service: Invoke, file: Path) -> None:
    with_service.ok("models", "add", file, "--name", "small")
    done = with_service("models", "export", "small", "--as", "swiftcoremltools")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "form: /optimizer/learning_rate: " in done.stderr


def test_a_deleted_model_is_gone(with_service: Invoke, file: Path) -> None:
    with_service.ok("models", "add", file, "--name", "small")
    with_service.ok("models", "delete", "small")
    assert "pippin models list" in with_service.refused(3, "models", "show", "small")


def test_faults_of_a_document_have_their_lines(with_service: Invoke, tmp_path: Path) -> None:
    text = (EXAMPLES / "mnist-cnn.swiftcoremltools.yaml").read_text()
    lines = text.splitlines()
    number = lines.index("      kernelChannels: 1") + 1
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace("kernelChannels: 1\n", "kernelChannels: 7\n", 1))
    refusal = with_service.refused(3, "models", "add", bad)
    assert refusal.startswith("Error: The model was refused.\n")
    assert f"  {bad}:{number}:7: neuralNetwork.layers[0].base.kernelChannels: " in refusal


def test_correction_in_a_document_is_a_warning_with_its_line(with_service: Invoke, tmp_path: Path) -> None:
    odd = tmp_path / "odd.yaml"
    odd.write_text((EXAMPLES / "mnist-cnn.swiftcoremltools.yaml").read_text() + "surprise: 1\n")
    said = with_service.ok("models", "add", odd).replace("'", '"')
    assert f'Warning: {odd}:1:1: found "surprise", ' in said


def test_invalid_model_file_is_refused(with_service: Invoke, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mlmodel"
    bad.write_bytes(b"hello")
    assert "not an .mlmodel" in with_service.refused(3, "models", "add", bad)
    for name in ("none.mlmodel", "none.yaml"):
        with_service.refused(2, "models", "add", tmp_path / name)


def test_name_in_use_is_refused(with_service: Invoke, file: Path) -> None:
    with_service.ok("models", "add", file, "--name", "small")
    refusal = with_service.refused(3, "models", "add", EXAMPLES / "mnist-cnn.json", "--name", "small")
    assert "belongs to the model" in refusal


def test_an_uploaded_model_is_trained_and_its_result_trained_further(with_service: Invoke, tmp_path: Path) -> None:
    with_service.ok("models", "add", "-", "--name", "linear", stdin=json.dumps(digits_spec(epochs=1)))

    def trained(model: dict[str, str]) -> tuple[str, bytes]:
        request = {"model": model, "dataset": "mnist-sample", "hyperparameters": {"seed": 7}}
        followed = with_service.ok("submit", "-", "--follow", "--json", stdin=json.dumps(request))
        job_id = json.loads(followed.splitlines()[-1])["id"]
        with_service.ok("download", job_id, "-o", tmp_path)
        return job_id, (tmp_path / "linear.mlmodel").read_bytes()

    first_job, first = trained({"id": "linear"})
    _, second = trained({"job": first_job})
    weights = [read(data).weights["dense"]["weights"] for data in (first, second)]
    assert weights[0].shape == weights[1].shape == (10, 784)
    assert (weights[0] != weights[1]).any()
