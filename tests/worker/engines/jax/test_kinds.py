"""Models that are more than a chain of layers on an array: classifiers, images, frozen parts, neighbours, pipelines."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder

from pippin.api.states import Reason
from pippin.models.mlmodel import Model, Pipeline, Samples, build, open_model, read, with_learned
from pippin.models.mlmodel.proto import new_model, parse, serialize
from pippin.models.neighbors import NeighborsModel
from pippin.models.spec import resolve
from pippin.models.spec.layer import Message
from pippin.network import predict
from tests.worker.engines import lab
from tests.worker.engines.lab import Notes
from worker.engines.engine import EngineError, Stopped
from worker.engines.jax.engine import JaxEngine

ALTERNATING = np.array([[0], [1], [0], [1]])
EYE = np.eye(4, dtype=np.float32)


def network(**changes: object) -> bytes:
    """A softmax over two classes on a vector `x` of four, changed."""
    layers = [lab.dense("dense", 2), {"type": "softmax", "name": "softmax", "output": "y"}]
    fields = {"inputs": [{"name": "x", "shape": [4]}], "layers": layers}
    return build(resolve(lab.document(**fields | changes)))


def neighbors(dimensions: int = 2, samples: Sequence[Sequence[float]] = (), labels: Sequence[str] = ()) -> Message:
    """A nearest-neighbour classifier of `point`."""
    builder = KNearestNeighborsClassifierBuilder(
        input_name="point",
        output_name="color",
        number_of_dimensions=dimensions,
        default_class_label="none",
        number_of_neighbors=1,
    )
    if samples:
        builder.add_samples(samples, labels)
    return builder.spec


def pipeline(front: Message, last: Message) -> bytes:
    """A pipeline of two models; the target is the second training input of the last one."""
    model = new_model()
    model.specificationVersion = 4
    model.isUpdatable = True
    model.description.input.extend(front.description.input)
    model.description.output.extend(last.description.output)
    model.description.trainingInput.extend([*front.description.input, last.description.trainingInput[1]])
    model.pipeline.models.extend([front, last])
    return serialize(model)


@pytest.fixture
def embedding() -> Message:
    """A frozen network from `x` of four numbers to `point` of two."""
    layers = [lab.dense("embed", 2)]
    outputs, loss = [{"name": "point", "shape": [2]}], {"type": "mean_squared_error"}
    model = parse(network(layers=layers, outputs=outputs, loss=loss))
    model.ClearField("isUpdatable")
    model.description.ClearField("trainingInput")
    model.neuralNetwork.ClearField("updateParams")
    model.neuralNetwork.layers[0].isUpdatable = False
    return model


def test_a_classifier_learns_its_own_classes(notes: Notes) -> None:
    classes = {"labels": ["cat", "dog"], "predicted_feature": "kind", "probabilities": "y"}
    data = network(outputs=..., classifier=classes, loss={"type": "categorical_cross_entropy"})
    assert read(data).resolved.training_target == "kind"
    examples = lab.examples(x=EYE, kind=np.array([[0], [0], [1], [1]], dtype=np.int32))
    learned = JaxEngine().train(lab.run(data, examples, examples, epochs=40, learning_rate=1.0), notes)
    assert notes.results[-1].validation_accuracy == 1
    trained = read(with_learned(data, learned))
    classifier = trained.resolved.spec.classifier
    assert classifier is not None
    assert classifier.labels == ("cat", "dog")
    probabilities = predict(trained.resolved, trained.weights, {"x": EYE})["y"]
    assert probabilities.argmax(axis=1).tolist() == [0, 0, 1, 1]


def test_one_hot_target_takes_class_indices(notes: Notes) -> None:
    one_hot = {"name": "y_true", "shape": [2], "type": "float"}
    data = network(training_inputs=[{"name": "x", "shape": [4]}, one_hot])
    assert [finding.rule for finding in read(data).resolved.findings] == ["runtime.class-target"]
    examples = lab.examples(x=EYE, y_true=np.array([[0], [0], [1], [1]]))
    JaxEngine().train(lab.run(data, examples, examples, epochs=40, learning_rate=1.0), notes)
    assert notes.results[-1].validation_accuracy == 1


@pytest.mark.parametrize("color", ["rgb", "bgr"])
def test_image_is_scaled_by_the_models_scaler_only(notes: Notes, color: str) -> None:
    image = {"name": "x", "type": "image", "color": color, "width": 2, "height": 1, "scale": 0.5, "bias": [1, 2, 3]}
    layers = [
        {"type": "flatten", "name": "flat", "mode": "channel_first"},
        lab.dense("dense", 1, initializer="zeros"),
    ]
    data = network(inputs=[image], layers=layers, outputs=[{"name": "dense"}], loss={"type": "mean_squared_error"})
    pixels = np.array([[[[10, 20]], [[30, 40]], [[50, 60]]]], dtype=np.uint8)
    examples = lab.examples({}, x=pixels, dense_true=np.array([[1.0]], dtype=np.float32))
    learned = lab.train(JaxEngine(), lab.run(data, examples, learning_rate=0.5), notes)
    # From zero, one step of w <- w + (truth - 0) * x, with x as the scaler leaves it.
    ordered = pixels[0, ::-1] if color == "bgr" else pixels[0]
    seen = ordered * 0.5 + np.array([1, 2, 3]).reshape(3, 1, 1)
    np.testing.assert_allclose(learned["dense"]["weights"][0], seen.reshape(-1), rtol=1e-6)


def test_frozen_quantized_layer_is_computed_and_kept_as_stored(notes: Notes) -> None:
    layers = [
        lab.dense("frozen", 3, updatable=False),
        {"type": "elu", "name": "bend", "alpha": 0.5},
        lab.dense("dense", 2),
        {"type": "softmax", "name": "softmax", "output": "y"},
    ]
    model = parse(network(layers=layers))
    weights = model.neuralNetwork.layers[0].innerProduct.weights
    weights.Clear()
    weights.rawValue = bytes(range(0, 240, 20))
    weights.quantization.numberOfBits = 8
    weights.quantization.linearQuantization.scale.append(0.01)
    weights.quantization.linearQuantization.bias.append(-1)
    data = serialize(model)
    frozen = read(data).weights["frozen"]["weights"]
    np.testing.assert_allclose(frozen, np.arange(0, 240, 20).reshape(3, 4) * 0.01 - 1, rtol=1e-6)
    examples = lab.examples(x=EYE, y_true=np.arange(4).reshape(4, 1) % 2)
    learned = JaxEngine().train(lab.run(data, examples, epochs=2), notes)
    after = parse(with_learned(data, learned)).neuralNetwork.layers
    assert after[0] == parse(data).neuralNetwork.layers[0]
    assert after[2] != parse(data).neuralNetwork.layers[2]


def test_neighbours_store_the_examples_in_order(notes: Notes) -> None:
    data = serialize(neighbors(samples=[[0.0, 0.0]], labels=["red"]))
    examples = lab.examples({"point": 0.5}, point=np.array([[2, 2], [4, 0]], np.int32), color=np.array([[1], [0]]))
    run = lab.run(data, examples, examples, number_of_neighbors=1)
    learned = JaxEngine().train(replace(run, class_names=("red", "blue")), notes)
    assert isinstance(learned, Samples)
    assert learned.points.tolist() == [[0, 0], [1, 1], [2, 0]]
    assert learned.labels == ("red", "blue", "red")
    assert (notes.results[0].loss, notes.results[0].validation_accuracy) == (None, 1)
    trained = open_model(with_learned(data, learned))
    assert isinstance(trained, NeighborsModel)
    assert trained.labels == ("red", "blue", "red")


def _opened(data: bytes) -> Pipeline:
    opened = open_model(data)
    assert isinstance(opened, Pipeline)
    return opened


def test_neighbours_in_a_pipeline_train_on_the_front_models_output(notes: Notes, embedding: Message) -> None:
    data = pipeline(embedding, neighbors())
    x = np.random.default_rng(0).normal(size=(300, 4)).astype(np.float32)
    examples = lab.examples(x=x, color=np.arange(300).reshape(-1, 1) % 3)
    learned = JaxEngine().train(replace(lab.run(data, examples), class_names=("a", "b", "c")), notes)
    assert isinstance(learned, Samples)
    front = _opened(data).front[0]
    expected = predict(front.resolved, front.weights, {"x": x})["point"]
    np.testing.assert_allclose(learned.points, expected, rtol=1e-5, atol=1e-6)
    assert learned.labels[:4] == ("a", "b", "c", "a")
    assert any("frozen" in line for line in notes.lines)
    trained = _opened(with_learned(data, learned)).last
    assert isinstance(trained, NeighborsModel)
    assert len(trained.labels) == 300


def test_the_last_network_of_a_pipeline_is_trained(notes: Notes, embedding: Message) -> None:
    last = parse(network(inputs=[{"name": "point", "shape": [2]}]))
    data = pipeline(embedding, last)
    examples = lab.examples(x=EYE, y_true=ALTERNATING)
    learned = lab.train(JaxEngine(), lab.run(data, examples, examples, epochs=3), notes)
    front = _opened(data).front[0]
    point = predict(front.resolved, front.weights, {"x": EYE})["point"]
    alone = lab.train(
        JaxEngine(),
        lab.run(serialize(last), lab.examples(point=point, y_true=ALTERNATING), epochs=3),
        Notes(),
    )
    np.testing.assert_allclose(learned["dense"]["weights"], alone["dense"]["weights"], rtol=1e-5, atol=1e-6)
    trained = _opened(with_learned(data, learned)).last
    assert isinstance(trained, Model)
    assert np.array_equal(trained.weights["dense"]["weights"], learned["dense"]["weights"])


def test_pipeline_resumes_from_a_checkpoint_of_its_last_model(notes: Notes, embedding: Message) -> None:
    last = parse(network(inputs=[{"name": "point", "shape": [2]}]))
    data = pipeline(embedding, last)
    examples = lab.examples(x=EYE, y_true=ALTERNATING)
    run = lab.run(data, examples, examples, epochs=3)
    whole = JaxEngine().train(run, notes)
    # The front checks for a stop once per set of examples; each epoch once for training and once for validation.
    with pytest.raises(Stopped) as stopped:
        JaxEngine().train(run, Notes(patience=2 + 2 + 1))
    checkpoint = stopped.value.checkpoint
    assert checkpoint is not None
    assert (checkpoint.epoch, checkpoint.step, list(checkpoint.weights)) == (1, 1, ["dense"])
    assert lab.bits(JaxEngine().train(replace(run, resume=checkpoint), Notes())) == lab.bits(whole)


def test_stop_takes_effect_in_the_front_of_a_pipeline(embedding: Message) -> None:
    data = pipeline(embedding, neighbors())
    examples = lab.examples(x=np.zeros((600, 4), np.float32), color=np.zeros((600, 1), np.int32))
    with pytest.raises(Stopped) as stopped:
        JaxEngine().train(lab.run(data, examples), Notes(patience=2))
    assert stopped.value.checkpoint is None


def test_examples_of_another_length_are_refused(notes: Notes) -> None:
    examples = lab.examples(point=np.zeros((2, 3)), color=np.zeros((2, 1)))
    with pytest.raises(EngineError) as raised:
        JaxEngine().train(lab.run(serialize(neighbors()), examples), notes)
    assert raised.value.reason is Reason.INVALID_DATA
