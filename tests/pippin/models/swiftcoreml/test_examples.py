import json
from typing import Any

import pytest

from pippin.documents import yaml12
from pippin.models.spec import resolve
from pippin.models.swiftcoreml import from_swift, to_swift
from tests.support.paths import EXAMPLES


def _json(name: str) -> Any:  # noqa: ANN401 - any JSON value
    return json.loads((EXAMPLES / name).read_text())


def test_both_forms_of_the_swift_model_are_equal() -> None:
    text = (EXAMPLES / "mnist-cnn.swiftcoremltools.yaml").read_text()
    assert yaml12.parse(text)[0] == _json("mnist-cnn.swiftcoremltools.json")


def test_swift_model_and_preset_build_the_same_network() -> None:
    theirs = from_swift(_json("mnist-cnn.swiftcoremltools.json"))
    ours = resolve(_json("mnist-cnn.json"))
    assert resolve(theirs.spec) == ours
    assert ours.parameter_count == 585_958
    assert theirs.notes == ()


@pytest.mark.parametrize("name", ["mnist-cnn.swiftcoremltools.json", "mnist-cnn.json"])
def test_swift_model_equals_the_written_document(name: str) -> None:
    document = _json(name)
    spec = from_swift(document).spec if "neuralNetwork" in document else document
    assert to_swift(resolve(spec).spec.document()) == _json("mnist-cnn.swiftcoremltools.json")
