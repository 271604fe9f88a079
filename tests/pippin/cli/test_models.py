"""`pippin models` against a whole, real Pippin."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from typer.testing import Result

from pippin.client import Client
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from tests.support.paths import EXAMPLES

Invoke = Callable[..., Result]


@pytest.fixture
def with_service(invoke: Invoke, running_up: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Invoke]:
    """`invoke`, with the running service as the one that is asked; it has no models before and afterwards."""
    monkeypatch.setenv("PIPPIN_URL", running_up.url)
    yield invoke
    with Client(running_up.url) as client:
        for record in list(client.models()):
            client.delete_model(record.id)


@pytest.fixture
def spec(small_spec: Callable[..., dict[str, Any]]) -> dict[str, Any]:
    return small_spec()


@pytest.fixture
def file(spec: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "small.mlmodel"
    path.write_bytes(build(resolve(spec)))
    return path


def test_a_file_is_added_listed_shown_and_downloaded(with_service: Invoke, file: Path, tmp_path: Path) -> None:
    added = with_service("models", "add", file, "--name", "small")
    assert added.exit_code == 0, added.stderr
    model_id = added.stdout.partition(":")[0]
    assert added.stdout == f"{model_id}: small, 15 parameters, {file.stat().st_size} B.\n"

    listed = with_service("models", "list").stdout.splitlines()
    assert listed[0].split() == ["NAME", "ID", "KIND", "CONTENT", "SIZE", "CREATED"]
    assert listed[1].split()[:6] == ["small", model_id, "neural", "network", "15", "parameters"]

    shown = with_service("models", "show", "small").stdout
    assert shown.splitlines()[0] == model_id
    assert "  trained on      x float 4, y_true int 1\n" in shown
    assert "  learning_rate   0.1\n" in shown
    assert "dense    inner_product  3               15\n" in shown

    done = with_service("models", "download", "small", "-o", tmp_path / "back.mlmodel", "--json")
    assert json.loads(done.stdout)["bytes"] == file.stat().st_size
    assert (tmp_path / "back.mlmodel").read_bytes() == file.read_bytes()


def test_models_commands_print_json(with_service: Invoke, file: Path) -> None:
    added = json.loads(with_service("models", "add", file, "--json").stdout)
    assert (added["name"], added["source"]) == (None, "mlmodel")
    assert json.loads(with_service("models", "show", added["id"], "--json").stdout) == added
    assert json.loads(with_service("models", "list", "--json").stdout) == [added]


@pytest.mark.parametrize(
    "name", ["mnist-cnn.json", "mnist-cnn.swiftcoremltools.json", "mnist-cnn.swiftcoremltools.yaml"]
)
def test_a_document_is_added(with_service: Invoke, name: str) -> None:
    added = with_service("models", "add", EXAMPLES / name, "--name", "digits")
    assert added.exit_code == 0, added.stderr
    assert ": digits, 585,958 parameters, " in added.stdout


def test_document_is_read_from_stdin(with_service: Invoke, spec: dict[str, Any]) -> None:
    added = json.loads(with_service("models", "add", "-", "--json", stdin=json.dumps(spec)).stdout)
    assert added["source"] == "spec"


def test_a_network_is_exported_in_either_language(with_service: Invoke, tmp_path: Path) -> None:
    assert with_service("models", "add", EXAMPLES / "mnist-cnn.json", "--name", "digits").exit_code == 0
    spec = json.loads(with_service("models", "export", "digits").stdout)
    assert resolve(spec).parameter_count == 585_958
    done = with_service("models", "export", "digits", "--as", "swiftcoremltools", "-o", tmp_path / "digits.json")
    assert done.stdout.startswith(f"{tmp_path / 'digits.json'} (")
    exported = json.loads((tmp_path / "digits.json").read_text())
    assert len(exported["neuralNetwork"]["layers"][0]["base"]["weight"]) == 288


def test_inexpressible_export_is_refused_with_the_reason(with_service: Invoke, file: Path) -> None:
    assert with_service("models", "add", file, "--name", "small").exit_code == 0
    done = with_service("models", "export", "small", "--as", "swiftcoremltools")
    assert (done.exit_code, done.stdout) == (3, "")
    assert "form: /optimizer/learning_rate: " in done.stderr


def test_a_deleted_model_is_gone(with_service: Invoke, file: Path) -> None:
    assert with_service("models", "add", file, "--name", "small").exit_code == 0
    assert with_service("models", "delete", "small").exit_code == 0
    done = with_service("models", "show", "small")
    assert done.exit_code == 3
    assert "pippin models list" in done.stderr


def test_faults_of_a_document_have_their_lines(with_service: Invoke, tmp_path: Path) -> None:
    text = (EXAMPLES / "mnist-cnn.swiftcoremltools.yaml").read_text()
    lines = text.splitlines()
    number = lines.index("      kernelChannels: 1") + 1
    bad = tmp_path / "bad.yaml"
    bad.write_text(text.replace("kernelChannels: 1\n", "kernelChannels: 7\n", 1))
    done = with_service("models", "add", bad)
    assert done.exit_code == 3
    assert done.stderr.startswith("Error: The model was refused.\n")
    assert f"  {bad}:{number}:7: neuralNetwork.layers[0].base.kernelChannels: " in done.stderr


def test_correction_in_a_document_is_a_warning_with_its_line(with_service: Invoke, tmp_path: Path) -> None:
    odd = tmp_path / "odd.yaml"
    odd.write_text((EXAMPLES / "mnist-cnn.swiftcoremltools.yaml").read_text() + "surprise: 1\n")
    done = with_service("models", "add", odd)
    assert done.exit_code == 0, done.stderr
    assert f'Warning: {odd}:1:1: found "surprise", ' in done.stdout.replace("'", '"')


def test_invalid_model_file_is_refused(with_service: Invoke, tmp_path: Path) -> None:
    bad = tmp_path / "bad.mlmodel"
    bad.write_bytes(b"hello")
    done = with_service("models", "add", bad)
    assert done.exit_code == 3
    assert "not an .mlmodel" in done.stderr
    assert with_service("models", "add", tmp_path / "none.mlmodel").exit_code == 2
    assert with_service("models", "add", tmp_path / "none.yaml").exit_code == 2


def test_name_in_use_is_refused(with_service: Invoke, file: Path) -> None:
    assert with_service("models", "add", file, "--name", "small").exit_code == 0
    done = with_service("models", "add", EXAMPLES / "mnist-cnn.json", "--name", "small")
    assert done.exit_code == 3
    assert "belongs to the model" in done.stderr


def test_an_uploaded_model_is_trained_and_its_result_trained_further(with_service: Invoke, tmp_path: Path) -> None:
    spec = {
        "inputs": [{"name": "image", "shape": [1, 28, 28]}],
        "layers": [
            {"type": "flatten", "name": "flat"},
            {"type": "inner_product", "name": "dense", "output_channels": 10, "updatable": True},
            {"type": "softmax", "name": "digit"},
        ],
        "outputs": [{"name": "digit", "shape": [10]}],
        "loss": {"type": "categorical_cross_entropy"},
        "optimizer": {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 100},
        "epochs": 1,
    }
    assert with_service("models", "add", "-", "--name", "linear", stdin=json.dumps(spec)).exit_code == 0

    def trained(model: dict[str, str]) -> tuple[str, bytes]:
        request = {"model": model, "dataset": "mnist-sample", "hyperparameters": {"seed": 7}}
        done = with_service("submit", "-", "--follow", "--json", stdin=json.dumps(request))
        assert done.exit_code == 0, done.stderr
        job_id = json.loads(done.stdout.splitlines()[-1])["id"]
        assert with_service("download", job_id, "-o", tmp_path).exit_code == 0
        return job_id, (tmp_path / "linear.mlmodel").read_bytes()

    first_job, first = trained({"id": "linear"})
    _, second = trained({"job": first_job})
    weights = [read(data).weights["dense"]["weights"] for data in (first, second)]
    assert weights[0].shape == weights[1].shape == (10, 784)
    assert (weights[0] != weights[1]).any()
