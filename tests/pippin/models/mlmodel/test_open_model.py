"""A file of whatever kind is opened as what it is, or refused by the name of its kind."""

from collections.abc import Callable

import pytest

from pippin.errors import FaultyDocumentError
from pippin.models.mlmodel import Model, ModelFileError, Pipeline, inference_variant, open_model, read
from pippin.models.mlmodel.proto import NEIGHBORS, NETWORKS, PIPELINES, new_model, serialize
from pippin.models.neighbors import NeighborsError, NeighborsModel
from tests.pippin.models.mlmodel.files import embedding, neighbors, network, pipeline

TRAINABLE = (*NETWORKS, NEIGHBORS, *PIPELINES)
OTHERS = sorted({field.name for field in new_model().DESCRIPTOR.oneofs_by_name["Type"].fields} - set(TRAINABLE))

CLASSES = {"labels": ["a", "b"], "predicted_feature": "kind", "probabilities": "y"}
QUANTITY = {
    "loss": {"type": "mean_squared_error"},
    "layers": [{"type": "inner_product", "name": "dense", "output": "y", "output_channels": 1, "updatable": True}],
    "regressor": {"predicted_feature": "y"},
}

FILES = {
    "neuralNetwork": (network(), Model),
    "neuralNetworkClassifier": (network(classifier=CLASSES, outputs=...), Model),
    "neuralNetworkRegressor": (network(**QUANTITY), Model),
    "kNearestNeighborsClassifier": (neighbors(), NeighborsModel),
    "pipeline": (pipeline(embedding(), network()), Pipeline),
    "pipelineClassifier": (pipeline(embedding(), neighbors(), kind="pipelineClassifier"), Pipeline),
    "pipelineRegressor": (pipeline(embedding(), network(**QUANTITY), kind="pipelineRegressor"), Pipeline),
}


def test_every_trainable_kind_has_a_file() -> None:
    assert set(FILES) == set(TRAINABLE)


@pytest.mark.parametrize("kind", FILES)
def test_file_is_opened_as_its_kind(kind: str) -> None:
    message, expected = FILES[kind]
    assert message.WhichOneof("Type") == kind
    assert type(open_model(serialize(message))) is expected


@pytest.mark.parametrize("kind", FILES)
def test_model_stripped_for_inference_is_not_updatable(kind: str) -> None:
    message, _ = FILES[kind]
    with pytest.raises(FaultyDocumentError, match="updatable") as raised:
        open_model(inference_variant(serialize(message)))
    assert {fault.rule for fault in raised.value.faults} <= {
        "model.updatable",
        "neighbors.updatable",
        "neighbors.training-inputs",
    }


@pytest.mark.parametrize("kind", OTHERS)
def test_other_kinds_are_refused_by_name(kind: str) -> None:
    model = network()
    getattr(model, kind).SetInParent()
    with pytest.raises(
        ModelFileError, match=rf"a model of kind {kind}, which cannot be updated; Pippin trains"
    ) as raised:
        open_model(serialize(model))
    assert [(fault.rule, fault.pointer) for fault in raised.value.faults] == [("model.kind", "")]


def test_other_kinds_include_the_common_ones() -> None:
    assert {"linkedModel", "mlProgram", "serializedModel", "glmClassifier", "treeEnsembleClassifier"} <= set(OTHERS)


@pytest.mark.parametrize("kind", [NEIGHBORS, *PIPELINES, "mlProgram"])
def test_read_refuses_what_is_not_a_network(kind: str) -> None:
    model = FILES[kind][0] if kind in FILES else network()
    getattr(model, kind).SetInParent()
    with pytest.raises(
        ModelFileError, match=f"a model of kind {kind}; here it must be one of neuralNetwork, "
    ) as raised:
        read(serialize(model))
    assert [fault.rule for fault in raised.value.faults] == ["model.kind"]


@pytest.mark.parametrize("opened", [open_model, read])
@pytest.mark.parametrize(
    "data",
    [b"", b"{}", b"PK\x03\x04", b"\x89PNG\r\n", b"\x00" * 100, b"\xff" * 50, serialize(new_model())],
    ids=["nothing", "JSON", "ZIP", "PNG", "zeros", "ones", "an empty message"],
)
def test_invalid_bytes_have_no_rule(opened: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(ModelFileError, match=r"not an \.mlmodel") as raised:
        opened(data)
    assert [(fault.rule, fault.pointer) for fault in raised.value.faults] == [(None, "")]


def test_nearest_neighbor_classifier_reports_its_own_faults() -> None:
    model = neighbors([[0.0, 1.0]], ["red"])
    model.kNearestNeighborsClassifier.nearestNeighborsIndex.floatSamples[0].vector.append(2)
    with pytest.raises(NeighborsError) as raised:
        open_model(serialize(model))
    assert [fault.rule for fault in raised.value.faults] == ["neighbors.sample-lengths"]
