"""Documents of both languages become the same model, and what is said of them points into what was written."""

import json
from typing import Any

import pytest

from pippin.errors import FaultyDocumentError
from pippin.models.documents import read_document
from tests.support.paths import EXAMPLES


@pytest.fixture
def swift() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((EXAMPLES / "mnist-cnn.swiftcoremltools.json").read_text())
    return found


def test_spec_and_swift_document_of_a_model_read_equal(swift: dict[str, Any]) -> None:
    ours, theirs = read_document(json.loads((EXAMPLES / "mnist-cnn.json").read_text())), read_document(swift)
    assert (ours.source, theirs.source) == ("spec", "swiftcoremltools")
    assert ours.resolved == theirs.resolved
    assert ours.summary() == theirs.summary()


def test_swift_document_findings_include_notes_and_model_findings(swift: dict[str, Any]) -> None:
    swift["neuralNetwork"]["surprise"] = 1
    found = read_document(swift)
    assert [(each.rule, each.pointer) for each in found.findings] == [("swiftcoremltools.reading", "/neuralNetwork")]
    assert found.summary().findings == list(found.findings)


@pytest.mark.parametrize("document", [None, [], 3, "x", {}, {"neuralNetwork": None}, {"neuralNetwork": {"layers": 1}}])
def test_invalid_document_is_refused(document: object) -> None:
    with pytest.raises(FaultyDocumentError) as caught:
        read_document(document)
    assert caught.value.faults


def test_model_faults_point_into_the_swift_document(swift: dict[str, Any]) -> None:
    swift["neuralNetwork"]["layers"][3]["base"]["kernelSize"] = [300, 2]
    with pytest.raises(FaultyDocumentError) as caught:
        read_document(swift)
    assert {fault.pointer for fault in caught.value.faults} == {"/neuralNetwork/layers/3/base/kernelSize/0"}
