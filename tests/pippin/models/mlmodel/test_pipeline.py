"""Pipelines: what is read, what is refused, and what training and stripping change in them."""

from typing import Any

import numpy as np
import pytest

from pippin.models.inspection import inspection_of, trainable_of
from pippin.models.mlmodel import (
    Model,
    ModelFileError,
    Pipeline,
    Samples,
    inference_variant,
    open_model,
    with_learned,
    with_widened_limits,
)
from pippin.models.mlmodel.pipeline import MAX_STAGES, stages_of
from pippin.models.mlmodel.proto import Message, serialize
from pippin.models.neighbors import NeighborsModel
from pippin.models.record import PipelineSummary
from pippin.models.spec import ArrayFeature, LabelFeature
from tests.pippin.models.mlmodel.files import DENSE, SOFTMAX, embedding, message_in, neighbors, network, pipeline

CLASSES = {"labels": ["cat", "dog"], "predicted_feature": "kind", "probabilities": "chances"}
KINDS = ["pipeline", "pipelineClassifier", "pipelineRegressor"]


def opened(message: Message) -> Pipeline:
    found = open_model(serialize(message))
    assert isinstance(found, Pipeline)
    return found


def refusal(message: Message) -> ModelFileError:
    with pytest.raises(ModelFileError) as raised:
        open_model(serialize(message))
    return raised.value


@pytest.mark.parametrize("kind", KINDS)
def test_network_before_a_nearest_neighbor_model_is_read(kind: str) -> None:
    message = pipeline(embedding(), neighbors([[1.0, 2.0]], ["red"]), kind=kind, names=["embed", "ask"])
    found = opened(message)
    (front,) = found.front
    assert [feature.name for feature in front.resolved.outputs] == ["point"]
    assert front.weights["embed"]["weights"].shape == (2, 2)
    assert isinstance(found.last, NeighborsModel)
    assert found.last.labels == ("red",)
    assert found.inputs == (ArrayFeature(name="x", shape=(2,)),)
    assert [feature.name for feature in found.outputs] == ["color", "colorProbs"]
    assert found.training_inputs == (ArrayFeature(name="x", shape=(2,)), LabelFeature(name="color", type="string"))


@pytest.mark.parametrize("kind", KINDS)
def test_networks_are_read_in_order(kind: str) -> None:
    found = opened(pipeline(embedding(makes="middle"), embedding(reads="middle"), network(), kind=kind))
    assert [[feature.name for feature in stage.resolved.inputs] for stage in found.front] == [["x"], ["middle"]]
    assert isinstance(found.last, Model)
    assert found.last.resolved.training_target == "y_true"
    assert [feature.name for feature in found.training_inputs] == ["x", "y_true"]


def test_a_single_model_makes_a_pipeline() -> None:
    found = opened(pipeline(network()))
    assert found.front == ()
    assert isinstance(found.last, Model)


def test_frozen_network_may_have_an_older_version() -> None:
    assert opened(pipeline(embedding(version=1), network())).front[0].resolved.spec.version == 1


def test_last_model_of_an_older_version_is_refused() -> None:
    message = pipeline(embedding(), network())
    message.pipeline.models[1].specificationVersion = 3
    assert [fault.pointer for fault in refusal(message).faults] == ["/models/1/version"]


def test_metadata_is_that_of_the_pipeline() -> None:
    message = pipeline(embedding(), network(user_defined={"of": "the last"}))
    message.description.metadata.userDefined.update({"of": "the whole"})
    found = opened(message)
    assert isinstance(found.last, Model)
    assert (found.metadata, found.last.metadata) == ({"of": "the whole"}, {"of": "the last"})


def test_outputs_are_visible_to_all_later_models() -> None:
    last = network(
        inputs=[{"name": "point", "shape": [2]}, {"name": "x", "shape": [2]}],
        layers=[{"type": "add", "name": "sum", "input": ["point", "x"]}, DENSE, SOFTMAX],
    )
    found = opened(pipeline(embedding(makes="middle"), embedding(reads="middle"), last))
    assert [feature.name for feature in found.training_inputs] == ["x", "y_true"]


def test_all_mismatched_features_are_reported() -> None:
    message = pipeline(embedding(), network())
    message.pipeline.models[0].description.input[0].name = "elsewhere"
    message.pipeline.models[1].description.input[0].type.multiArrayType.shape[:] = [3]
    message.description.output[0].name = "nothing"
    found = refusal(message)
    assert [(fault.rule, fault.pointer) for fault in found.faults] == [
        ("pipeline.features", "/models/0/inputs"),
        ("pipeline.features", "/models/1/inputs"),
        ("pipeline.features", "/outputs"),
    ]
    assert ("found 'elsewhere', which is neither an input of the pipeline nor an output of an earlier model") in str(
        found
    )
    assert "'point' of a different type or shape" in found.faults[1].detail


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", [0, 1])
def test_a_pipeline_in_a_pipeline_is_refused(kind: str, place: int) -> None:
    inner = pipeline(embedding() if place == 0 else network(), kind=kind)
    if place == 0:
        inner.ClearField("isUpdatable")
    found = refusal(pipeline(inner, network()) if place == 0 else pipeline(embedding(), inner))
    assert [(fault.rule, fault.pointer) for fault in found.faults] == [("pipeline.kinds", f"/models/{place}")]
    assert f"a model of kind {kind}; Pippin supports neuralNetwork" in str(found)


def test_nearest_neighbor_model_not_last_is_refused() -> None:
    front = neighbors()
    front.ClearField("isUpdatable")
    found = refusal(pipeline(front, network()))
    assert ("pipeline.kinds", "/models/0") in [(fault.rule, fault.pointer) for fault in found.faults]


def test_more_than_100_models_are_refused_unread() -> None:
    stages = [embedding(f"e{index}", f"e{index + 1}") for index in range(MAX_STAGES)]
    for stage in stages:
        stage.neuralNetwork.ClearField("layers")
    found = refusal(pipeline(*stages, network(inputs=[{"name": f"e{MAX_STAGES}", "shape": [2]}])))
    assert [(fault.rule, fault.detail) for fault in found.faults] == [
        ("pipeline.models", "found 101 models; a pipeline needs 1 to 100")
    ]


def test_unsupported_features_are_refused() -> None:
    message = pipeline(embedding(), network())
    more = message.description.trainingInput.add()
    more.CopyFrom(message.description.input[0])
    more.name = "more"
    assert [feature.name for feature in opened(message).training_inputs] == ["x", "y_true", "more"]
    more.type.multiArrayType.shape[:] = [1] * 9
    assert "the pipeline's training_inputs cannot be understood" in str(refusal(message))
    more.type.isOptional = True
    assert "feature 'more' is optional" in str(refusal(message))


@pytest.mark.parametrize("kind", KINDS)
def test_learned_weights_change_the_last_network_only(kind: str) -> None:
    before = pipeline(embedding(), network(), kind=kind)
    # The front has a layer of the same name, which must not be touched.
    stages_of(before).models[0].neuralNetwork.layers[0].name = "dense"
    learned = {"dense": {"bias": np.array([5, 6], dtype=np.float32)}}
    after = message_in(with_learned(serialize(before), learned, {"a": "1"}))
    assert list(stages_of(after).models[1].neuralNetwork.layers[0].innerProduct.bias.floatValue) == [5, 6]
    assert dict(after.description.metadata.userDefined) == {"a": "1"}
    after.description.metadata.ClearField("userDefined")
    del stages_of(after).models[1].neuralNetwork.layers[0].innerProduct.bias.floatValue[:]
    del stages_of(before).models[1].neuralNetwork.layers[0].innerProduct.bias.floatValue[:]
    before.description.metadata.SetInParent()
    assert after == before


@pytest.mark.parametrize("kind", KINDS)
def test_learned_samples_change_the_last_model_only(kind: str) -> None:
    before = pipeline(embedding(), neighbors([[1.0, 1.0]], ["red"]), kind=kind)
    samples = Samples(np.array([[2, 3], [4, 5]], dtype=np.float32), ("blue", "red"))
    data = with_learned(serialize(before), samples)
    found = open_model(data)
    assert isinstance(found, Pipeline)
    assert isinstance(found.last, NeighborsModel)
    assert found.last.samples.tolist() == [[2, 3], [4, 5]]
    assert found.last.labels == ("blue", "red")
    assert stages_of(message_in(data)).models[0] == stages_of(before).models[0]


def test_weights_of_earlier_models_are_refused() -> None:
    data = serialize(pipeline(embedding(), network()))
    with pytest.raises(ModelFileError, match="'embed'; the model has no such layer"):
        with_learned(data, {"embed": {"bias": np.zeros(2, dtype=np.float32)}})


def test_pipeline_without_models_takes_no_weights() -> None:
    message = pipeline(network())
    message.pipeline.ClearField("models")
    with pytest.raises(ModelFileError, match="the pipeline has no models"):
        with_learned(serialize(message), {})


def test_limits_of_the_last_model_are_widened() -> None:
    ask = {"epochs": 9, "number_of_neighbors": 8, "shuffle": True, "seed": 1}
    trained = network(epochs={"default": 1, "max": 2})
    after = message_in(with_widened_limits(serialize(pipeline(embedding(), trained)), ask))
    assert after.pipeline.models[1].neuralNetwork.updateParams.epochs.range.maxValue == 9
    nearest = neighbors()
    nearest.kNearestNeighborsClassifier.numberOfNeighbors.set.values[:] = [3, 5]
    after = message_in(with_widened_limits(serialize(pipeline(embedding(), nearest)), ask))
    assert list(after.pipeline.models[1].kNearestNeighborsClassifier.numberOfNeighbors.set.values) == [3, 5, 8]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("last", [network(), neighbors([[1.0, 1.0]], ["red"])], ids=["network", "neighbours"])
def test_every_model_is_stripped_for_inference(kind: str, last: Message) -> None:
    before = pipeline(embedding(), last, kind=kind)
    # A front whose weights are marked although the layer is not: Core ML takes it, and nothing of it is to stay.
    assert stages_of(before).models[0].neuralNetwork.layers[0].innerProduct.weights.isUpdatable
    data = inference_variant(serialize(before))
    after = message_in(data)
    for model in (after, *stages_of(after).models):
        assert not model.isUpdatable
        assert not model.description.trainingInput
    for field, value in _everything_in(after):
        assert field not in ("isUpdatable", "updateParams"), value
    assert inference_variant(data) == data
    assert stages_of(after).models[0].description == stages_of(before).models[0].description
    assert after.description.output == before.description.output


def _everything_in(message: Message) -> list[tuple[str, Any]]:
    """Every field that is set, however deep."""
    found = []
    for field, value in message.ListFields():
        found.append((field.name, value))
        if field.message_type is not None and not field.message_type.GetOptions().map_entry:
            for inner in value if field.is_repeated else (value,):
                found += _everything_in(inner)
    return found


def test_job_gets_pipeline_inputs_and_last_network_parameters() -> None:
    found = trainable_of(opened(pipeline(embedding(), network())))
    assert [feature.name for feature in found.features] == ["x", "y_true"]
    assert (found.target, found.classes, found.method) == ("y_true", 2, "sgd")
    assert (found.labels, found.label_type) == (None, None)
    assert list(found.parameters) == ["epochs", "mini_batch_size", "learning_rate"]


@pytest.mark.parametrize("labels", [("cat", "dog"), (7, -3)])
def test_job_gets_the_labels_of_a_classifier(labels: tuple[str, ...] | tuple[int, ...]) -> None:
    classifier = network(classifier=CLASSES | {"labels": list(labels)}, outputs=...)
    alone = trainable_of(open_model(serialize(classifier)))
    assert (alone.target, alone.classes, alone.labels, alone.label_type) == ("kind", 2, labels, None)
    assert alone.features[-1] == LabelFeature(name="kind", type="string" if isinstance(labels[0], str) else "int64")
    behind = trainable_of(opened(pipeline(embedding(), classifier, kind="pipelineClassifier")))
    features = (ArrayFeature(name="x", shape=(2,)), alone.features[-1])
    assert behind == alone.model_copy(update={"features": features, "is_pipeline": True, "memory": behind.memory})


def test_classifier_with_a_separate_target_keeps_its_labels() -> None:
    message = network(
        classifier=CLASSES,
        outputs=...,
        loss={"type": "categorical_cross_entropy", "target": "truth"},
        training_inputs=[{"name": "point", "shape": [2]}, {"name": "truth", "shape": [1], "type": "int"}],
    )
    found = trainable_of(open_model(serialize(message)))
    assert (found.target, found.classes, found.labels) == ("truth", 2, ("cat", "dog"))


def test_job_of_a_regression_has_no_classes() -> None:
    message = network(layers=[DENSE | {"output": "y"}], loss={"type": "mean_squared_error"})
    found = trainable_of(open_model(serialize(message)))
    assert (found.target, found.classes, found.labels) == ("y_true", None, None)


@pytest.mark.parametrize(("default", "kind"), [("none", "string"), (0, "int64")])
def test_job_of_nearest_neighbors_has_a_label_type(default: str | int, kind: str) -> None:
    nearest = neighbors(default_class_label=default)
    alone = trainable_of(open_model(serialize(nearest)))
    assert (alone.target, alone.classes, alone.labels, alone.label_type) == ("color", None, None, kind)
    assert (alone.method, list(alone.parameters)) == ("nearest_neighbors", ["number_of_neighbors"])
    assert [feature.name for feature in alone.features] == ["point", "color"]
    behind = trainable_of(opened(pipeline(embedding(), nearest)))
    assert [feature.name for feature in behind.features] == ["x", "color"]
    assert behind.label_type == kind


def test_findings_of_the_last_model_have_its_index() -> None:
    last = network(layers=[DENSE, {"type": "batchnorm", "name": "norm"}, SOFTMAX])
    found = inspection_of(opened(pipeline(embedding(), last)))
    findings = [(finding.rule, finding.pointer) for finding in found.findings]
    assert findings == [("runtime.batchnorm", "/models/1/layers/1")]
    assert isinstance(found.model, PipelineSummary)
    assert (found.model.kind, len(found.model.front)) == ("pipeline", 1)
    assert inspection_of(opened(pipeline(embedding(), neighbors()))).findings == []


@pytest.mark.parametrize("where", ["pipeline", "last", "both"])
def test_target_without_shape_gets_that_of_the_last_model(where: str) -> None:
    message = pipeline(embedding(), network())
    for one, named in ((message, "pipeline"), (message.pipeline.models[1], "last")):
        if where in (named, "both"):
            one.description.trainingInput[1].type.multiArrayType.ClearField("shape")
    found = opened(message)
    assert found.training_inputs[1] == ArrayFeature(name="y_true", shape=(1,), type="int")
    assert inspection_of(found).model.training_inputs[1].shape == [1]
    assert trainable_of(found).features[1].lengths == (1,)


def test_output_without_shape_gets_that_of_the_layers() -> None:
    message = pipeline(embedding(), network())
    for one in (message, message.pipeline.models[1]):
        one.description.output[0].type.multiArrayType.ClearField("shape")
    assert inspection_of(opened(message)).model.outputs[0].shape == [2]


def test_cross_entropy_target_is_one_class_index() -> None:
    message = pipeline(embedding(), network())
    for one in (message, message.pipeline.models[1]):
        one.description.trainingInput[1].type.multiArrayType.shape[:] = [2]
    assert trainable_of(opened(message)).features[1] == ArrayFeature(name="y_true", shape=(1,), type="int")
