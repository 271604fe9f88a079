"""What a training takes, from shapes."""

from typing import Any

import pytest

from pippin.errors import FaultyDocumentError
from pippin.models.documents import read_document
from pippin.models.inspection import trainable_of
from pippin.models.mlmodel import build, open_model
from pippin.models.spec import resolve
from pippin.models.spec.memory import TrainingMemory, training_memory
from pippin.models.spec.presets import preset

PARAMETERS = 585_958


@pytest.fixture
def document() -> dict[str, Any]:
    return preset("mnist-cnn")


def test_adam_keeps_two_moments_of_each_weight_and_sgd_one(document: dict[str, Any]) -> None:
    with_adam = training_memory(resolve(document))
    assert with_adam.fixed == 4 * PARAMETERS * 4
    document["optimizer"] = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 16}
    assert training_memory(resolve(document)).fixed == 3 * PARAMETERS * 4


def test_frozen_layers_have_no_gradients(document: dict[str, Any]) -> None:
    for layer in document["layers"]:
        layer.pop("updatable", None)
        if layer["name"] == "hidden2":
            layer["updatable"] = True
    assert training_memory(resolve(document)).fixed == (PARAMETERS + 3 * 5010) * 4


def test_every_blob_of_an_example_counts(document: dict[str, Any]) -> None:
    resolved = resolve(document)
    blobs = [28 * 28, *(2 * [26 * 26 * 32]), 13 * 13 * 32, *(2 * [12 * 12 * 32]), *(2 * [6 * 6 * 32]), 500, 500, 10, 10]
    assert training_memory(resolved).per_example == 4 * sum(blobs)


def test_file_and_spec_need_equal_memory(document: dict[str, Any]) -> None:
    resolved = resolve(document)
    assert trainable_of(open_model(build(resolved))).memory == training_memory(resolved)


def test_message_has_the_figures_and_what_would_fit() -> None:
    memory = TrainingMemory(fixed=1_500_000_000, per_example=50_000_000)
    assert memory.excess(10, 2_000_000_000) is None
    said = memory.excess(100, 2_000_000_000)
    assert said == (
        "training takes 6.5 GB or more: 1.5 GB for weights, gradients and the optimizer's state, and 50 MB for the "
        "blobs of each of 100 examples at once; 2.0 GB are allowed; a mini_batch_size of 10 would fit"
    )
    assert "fewer weights or smaller blobs" in str(memory.excess(1, 1000))


def test_document_fault_points_at_a_field_to_change(document: dict[str, Any]) -> None:
    found = read_document(document)
    found.check_memory(2**30)
    for most, pointer in ((20_000_000, "/optimizer/mini_batch_size"), (1_000_000, "/layers")):
        with pytest.raises(FaultyDocumentError) as refused:
            found.check_memory(most)
        assert [fault.pointer for fault in refused.value.faults] == [pointer]
