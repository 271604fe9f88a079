import json
from collections.abc import Callable
from pathlib import Path

from typer.testing import Result

Invoke = Callable[..., Result]


def test_a_right_spec_is_shown_layer_by_layer(
    invoke: Invoke, small_spec: Callable[..., object], tmp_path: Path
) -> None:
    file = tmp_path / "spec.json"
    file.write_text(json.dumps(small_spec()))
    done = invoke("validate", file)
    assert done.exit_code == 0
    assert done.stdout.splitlines() == [
        "LAYER    TYPE           OUTPUT  PARAMETERS",
        "dense    inner_product  3               15",
        "softmax  softmax        3                0",
        f"{file} can be trained: 15 parameters.",
    ]


def test_a_script_gets_the_same_as_json_from_stdin(invoke: Invoke, small_spec: Callable[..., object]) -> None:
    done = invoke("validate", "-", "--json", stdin=json.dumps(small_spec()))
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    assert found["parameter_count"] == 15
    assert found["layers"][0]["weight_shapes"] == {"weights": [3, 4], "bias": [3]}


def test_every_fault_is_shown_with_its_pointer_and_its_line(invoke: Invoke, tmp_path: Path) -> None:
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
    assert done.exit_code == 3
    assert done.stdout == ""
    assert f"Error: {file} is not a model that can be trained." in done.stderr
    assert f"{file}:6:40: /layers/0/output_channels: " in done.stderr
    assert f"{file}:9:5: /layers/1/colour: " in done.stderr
    assert "learning_rate" not in done.stderr
