"""Classifiers and regressors: the descriptions of their outputs, in our files and in coremltools'."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder

from pippin.models.mlmodel import ModelFileError, build, read
from pippin.models.mlmodel.proto import Message, at, parse, serialize
from pippin.models.spec import ArrayFeature, LabelFeature, resolve
from pippin.models.spec.features import DictionaryFeature, NumberFeature
from tests.pippin.models.mlmodel.files import small_file, trained
from tests.support.specs import small_spec

Labels = list[str] | list[int]

LABELS: list[Labels] = [["cat", "dog", "Käfer 🐞"], [7, -3, 2**63 - 1]]
SQUARES = {"type": "mean_squared_error"}
ONE = {"type": "inner_product", "name": "price", "output_channels": 1, "updatable": True}


def kind_of(labels: Labels) -> str:
    return "string" if isinstance(labels[0], str) else "int64"


def spoil(data: bytes, harm: Callable[[Message], object]) -> bytes:
    model = parse(data)
    harm(model)
    return serialize(model)


@pytest.mark.parametrize("labels", LABELS)
@pytest.mark.parametrize("probabilities", [None, "chances", "y"])
@pytest.mark.parametrize("blob", [None, "y"])
def test_classifier_round_trips(labels: Labels, probabilities: str | None, blob: str | None) -> None:
    classifier = {"labels": labels, "predicted_feature": "kind", "probabilities": probabilities, "blob": blob}
    layers = [*small_spec()["layers"][:1], {"type": "softmax", "name": "softmax", "output": "y"}]
    resolved = resolve(small_spec(classifier=classifier, outputs=..., layers=layers))
    data = build(resolved)
    found = read(data)
    assert found.resolved == resolved
    assert build(found.resolved, found.weights) == data
    assert found.resolved.training_target == "kind"
    assert found.resolved.probabilities_blob == "y"
    assert found.resolved.training_inputs == (
        ArrayFeature(name="x", shape=(4,)),
        LabelFeature(name="kind", type=kind_of(labels)),
    )


@pytest.mark.parametrize("labels", LABELS)
def test_classifier_file_has_all_fields_that_core_ml_requires(labels: Labels) -> None:
    classifier = {"labels": labels, "predicted_feature": "kind", "probabilities": "chances"}
    model = parse(small_file(classifier=classifier, outputs=...))
    assert model.WhichOneof("Type") == "neuralNetworkClassifier"
    kept = model.neuralNetworkClassifier.WhichOneof("ClassLabels")
    assert kept == f"{kind_of(labels)}ClassLabels"
    assert list(getattr(model.neuralNetworkClassifier, kept).vector) == labels
    description = model.description
    assert (description.predictedFeatureName, description.predictedProbabilitiesName) == ("kind", "chances")
    label, chances = description.output
    assert (label.name, label.type.WhichOneof("Type")) == ("kind", f"{kind_of(labels)}Type")
    assert (chances.name, chances.type.dictionaryType.WhichOneof("KeyType")) == ("chances", f"{kind_of(labels)}KeyType")
    assert [feature.name for feature in description.trainingInput] == ["x", "kind"]
    assert description.trainingInput[1].type == label.type


@pytest.mark.parametrize("output", [{"name": "price", "type": "number"}, {"name": "price", "shape": [1]}])
def test_regressor_round_trips(output: dict[str, Any]) -> None:
    resolved = resolve(
        small_spec(outputs=[output], layers=[ONE], loss=SQUARES, regressor={"predicted_feature": "price"})
    )
    data = build(resolved)
    message = parse(data)
    assert message.WhichOneof("Type") == "neuralNetworkRegressor"
    assert message.description.predictedFeatureName == "price"
    found = read(data)
    assert found.resolved == resolved
    assert build(found.resolved, found.weights) == data
    assert found.resolved.outputs in (
        (NumberFeature(name="price", type="number"),),
        (ArrayFeature(name="price", shape=(1,)),),
    )


def test_plain_network_is_neither_classifier_nor_regressor() -> None:
    spec = read(small_file()).resolved.spec
    assert (spec.classifier, spec.regressor) == (None, None)


def labels_become(*labels: str) -> Callable[[Message], object]:
    def harm(model: Message) -> None:
        model.neuralNetworkClassifier.stringClassLabels.vector[:] = labels

    return harm


def output_becomes(index: int, path: str) -> Callable[[Message], object]:
    return lambda model: at(model.description.output[index].type, path).SetInParent()


HARMS: list[tuple[str, Callable[[Message], object]]] = [
    ("/classifier/labels", lambda model: model.neuralNetworkClassifier.ClearField("ClassLabels")),
    ("/classifier/labels: found a label twice", labels_become("a", "b", "a")),
    ("/classifier/labels: found 4 labels; 'y' has the shape [3]", labels_become("a", "b", "c", "d")),
    (
        "/classifier/blob: found 'z', which is not an output of a layer",
        lambda model: setattr(model.neuralNetworkClassifier, "labelProbabilityLayerName", "z"),
    ),
    (
        "/outputs/0/name: found 'classLabel'; the classifier's declaration has 'kind'",
        lambda model: setattr(model.description, "predictedFeatureName", "kind"),
    ),
    ("/outputs/0: found 'int64'; the classifier's labels are 'string'", output_becomes(0, "int64Type")),
    (
        "/outputs/1: found 'int64'; the classifier's labels are 'string'",
        output_becomes(1, "dictionaryType.int64KeyType"),
    ),
    ("/training_inputs/1", lambda model: model.description.trainingInput[1].type.int64Type.SetInParent()),
]


@pytest.mark.parametrize(("said", "harm"), HARMS, ids=[said for said, _ in HARMS])
def test_inconsistent_classifier_is_refused(said: str, harm: Callable[[Message], object]) -> None:
    layers = [*small_spec()["layers"][:1], {"type": "softmax", "name": "softmax", "output": "y"}]
    classifier = {"labels": ["a", "b", "c"], "probabilities": "p"}
    data = small_file(classifier=classifier, outputs=..., layers=layers)
    with pytest.raises(ModelFileError) as raised:
        read(spoil(data, harm))
    assert said in str(raised.value)


def test_regressor_must_output_its_predicted_feature() -> None:
    document = small_spec(
        outputs=[{"name": "price"}], layers=[ONE], loss=SQUARES, regressor={"predicted_feature": "price"}
    )
    data = build(resolve(document))
    with pytest.raises(ModelFileError, match="/regressor/predicted_feature: found 'cost', which is not an output"):
        read(spoil(data, lambda model: setattr(model.description, "predictedFeatureName", "cost")))


def builders_classifier(labels: Labels, blob: str = "", judged: str = "y", feature: str = "kind") -> Message:
    """A classifier from beginning to end by coremltools' builder."""
    builder = NeuralNetworkBuilder(
        [("x", datatypes.Array(4))], [("y", datatypes.Array(3))], mode="classifier", use_float_arraytype=True
    )
    builder.add_inner_product("dense", np.arange(12.0).reshape(3, 4), np.zeros(3), 4, 3, True, "x", "logits")
    builder.add_softmax("softmax", "logits", judged)
    builder.set_class_labels(labels, predicted_feature_name=feature, prediction_blob=blob)
    return trained(builder, judged)


@pytest.mark.parametrize("labels", [["cat", "dog", "bug"], [7, -3, 9]])
@pytest.mark.parametrize("blob", ["", "y"])
def test_builder_classifier_is_trained_on_its_labels(labels: Labels, blob: str) -> None:
    message = builders_classifier(labels, blob)
    found = read(serialize(message)).resolved
    # The loss's own target is a name that no training input has: the class takes its place.
    assert found.spec.loss.target == "y_true"
    assert found.training_target == "kind"
    assert found.training_inputs == (
        ArrayFeature(name="x", shape=(4,)),
        LabelFeature(name="kind", type=kind_of(labels)),
    )
    classifier = found.spec.classifier
    assert classifier is not None
    assert classifier.labels == tuple(labels)
    assert (classifier.predicted_feature, classifier.probabilities, classifier.blob) == ("kind", "y", "y")
    assert set(found.outputs) == {
        LabelFeature(name="kind", type=kind_of(labels)),
        DictionaryFeature(name="y", type="dictionary", keys=kind_of(labels)),
    }
    assert read(build(found)).resolved == found


def test_builder_classifier_loss_may_use_a_separate_blob() -> None:
    message = builders_classifier(["cat", "dog", "bug"], blob="chances", judged="chances")
    found = read(serialize(message)).resolved
    assert (found.spec.loss.target, found.training_target) == ("chances_true", "chances_true")
    assert found.training_inputs[-1] == ArrayFeature(name="chances_true", shape=(1,), type="int")
    assert found.probabilities_blob == "chances"


@pytest.mark.parametrize("labels", LABELS)
def test_classifier_description_equals_that_of_the_builder(labels: Labels) -> None:
    theirs = builders_classifier(labels)
    ours = parse(build(read(serialize(theirs)).resolved))
    assert ours.description.output == theirs.description.output
    assert ours.description.trainingInput == theirs.description.trainingInput
    assert ours.description.predictedFeatureName == theirs.description.predictedFeatureName
    assert ours.description.predictedProbabilitiesName == theirs.description.predictedProbabilitiesName
    for field in ("stringClassLabels", "int64ClassLabels", "labelProbabilityLayerName"):
        assert getattr(ours.neuralNetworkClassifier, field) == getattr(theirs.neuralNetworkClassifier, field)


def test_builder_regressor_is_read() -> None:
    builder = NeuralNetworkBuilder([("x", datatypes.Array(4))], [("price", datatypes.Array(1))], mode="regressor")
    builder.add_inner_product("dense", np.ones((1, 4)), np.zeros(1), 4, 1, True, "x", "price")
    builder.spec.description.predictedFeatureName = "price"
    found = read(serialize(trained(builder, "price", 1))).resolved
    assert found.spec.regressor is not None
    assert found.spec.regressor.predicted_feature == "price"
    assert found.training_target == "price_true"
    assert found.outputs == (ArrayFeature(name="price", shape=(1,), type="double"),)
