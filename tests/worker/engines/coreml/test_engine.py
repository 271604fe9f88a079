"""The engine on the stand-in: reports, stops, learning rates and validation."""

import math
import threading
from dataclasses import replace

import numpy as np
import pytest

from pippin.api.states import Reason
from pippin.models.mlmodel import build, read
from pippin.models.mlmodel.proto import parse, serialize
from pippin.models.spec import resolve
from pippin.network import losses
from tests.worker.engines.conftest import Lab, Notes
from worker.engines.engine import Engine, EngineError, EpochResult, Examples, Stopped

SGD = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4, "momentum": 0.0}
LAYERS = [
    {"type": "inner_product", "name": "hidden", "output_channels": 5, "updatable": True},
    {"type": "tanh", "name": "bend"},
    {"type": "inner_product", "name": "out", "output_channels": 2, "updatable": True},
    {"type": "softmax", "name": "share"},
]


@pytest.fixture
def classifier(lab: Lab) -> bytes:
    model: bytes = lab.model(LAYERS, shape=[3], optimizer=SGD)
    return model


@pytest.fixture
def clouds(lab: Lab) -> Examples:
    """Two clouds of points, 11 examples: the last mini-batch of 4 is smaller."""
    random = np.random.default_rng(3)
    labels = np.arange(11) % 2
    found: Examples = lab.examples(x=np.float32(random.normal(size=(11, 3)) + labels[:, None]), y_true=labels)
    return found


def test_observer_is_called_on_the_training_thread(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab, notes: Notes
) -> None:
    threads = set()
    notes_ended = notes.epoch_ended

    def ended(result: EpochResult, snapshot: object) -> None:
        threads.add(threading.current_thread())
        notes_ended(result, snapshot)

    notes.epoch_ended = ended
    engine.train(lab.run(classifier, clouds, epochs=3, momentum=0.0), notes)
    assert notes.heard == ["began", "epoch 1", "epoch 2", "epoch 3"]
    assert threads == {threading.current_thread()}
    assert "Core ML" in notes.lines[0]


def test_epoch_reports_its_loss_and_no_unrequested_measures(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab, notes: Notes
) -> None:
    engine.train(lab.run(classifier, clouds, learning_rate=0.0, momentum=0.0), notes)
    model = read(classifier)
    wanted = losses(model.resolved, model.weights, {**clouds.arrays}).mean()
    (result,) = notes.results
    assert result.loss == pytest.approx(wanted, abs=1e-5)
    assert (result.validation_loss, result.validation_accuracy, result.batch_losses) == (None, None, None)
    assert result.examples_per_second > 0


def test_only_declared_hyperparameters_are_sent(engine: Engine, clouds: Examples, lab: Lab, notes: Notes) -> None:
    # The stand-in refuses those that it does not declare.
    without = {name: value for name, value in SGD.items() if name != "momentum"}
    model = parse(lab.model(LAYERS, shape=[3], optimizer=without))
    model.neuralNetwork.updateParams.ClearField("shuffle")
    model.neuralNetwork.updateParams.ClearField("seed")
    engine.train(lab.run(serialize(model), clouds, momentum=0.5, eps=1e-8), notes)
    assert notes.heard == ["began", "epoch 1"]


def test_hyperparameter_outside_the_limits_is_explained(
    engine: Engine, clouds: Examples, lab: Lab, notes: Notes
) -> None:
    limited = SGD | {"learning_rate": {"default": 0.1, "min": 0, "max": 0.3}}
    model = lab.model(LAYERS, shape=[3], optimizer=limited)
    with pytest.raises(
        EngineError, match=r"\(com.apple.CoreML 7\); the model does not declare a hyperparameter, or not"
    ):
        engine.train(lab.run(model, clouds, learning_rate=0.5, momentum=0.0), notes)


def test_learning_rate_of_zero_leaves_the_weights_unchanged(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab, notes: Notes
) -> None:
    learned = engine.train(lab.run(classifier, clouds, learning_rate=0.0, momentum=0.0), notes)
    given = read(classifier).weights
    assert list(learned) == list(given)
    for layer, arrays in given.items():
        for key, array in arrays.items():
            np.testing.assert_array_equal(learned[layer][key], array)


def test_mini_batch_losses_are_reported_on_request(
    engine: Engine, apple: pytest.MonkeyPatch, classifier: bytes, clouds: Examples, lab: Lab
) -> None:
    notes = lab.notes()
    apple.setenv("APPLE_STANDIN_LOSS_VALUE", "batches")
    engine.train(lab.run(classifier, clouds, report_batches=True, epochs=2, momentum=0.0), notes)
    assert [len(result.batch_losses) for result in notes.results] == [3, 3]
    for result in notes.results:
        assert np.mean(result.batch_losses) == pytest.approx(result.loss, abs=1e-5)


def test_validation_loss_is_that_of_pippins_network(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab, notes: Notes
) -> None:
    learned = engine.train(lab.run(classifier, clouds, clouds, epochs=2, momentum=0.0), notes)
    model = read(classifier)
    wanted = losses(model.resolved, learned, {**clouds.arrays}).mean()
    assert notes.results[-1].validation_loss == pytest.approx(wanted, abs=1e-5)
    assert 0 <= notes.results[-1].validation_accuracy <= 1


def test_a_regression_is_validated_without_accuracy(engine: Engine, lab: Lab, notes: Notes) -> None:
    line = [{"type": "inner_product", "name": "line", "output_channels": 2, "updatable": True}]
    model = lab.model(line, shape=[1], loss="mean_squared_error", optimizer=SGD)
    x = np.linspace(-1, 1, 9, dtype=np.float32)[:, None]
    data = lab.examples(x=x, y_true=np.hstack([3 * x, 1 - x]))
    learned = engine.train(lab.run(model, data, data, epochs=3, momentum=0.0), notes)
    opened = read(model)
    wanted = losses(opened.resolved, learned, {**data.arrays}).mean()
    assert notes.results[-1].validation_loss == pytest.approx(wanted, abs=1e-5)
    assert notes.results[-1].validation_accuracy is None


def test_validation_loss_on_a_hidden_blob_is_measured(engine: Engine, lab: Lab, notes: Notes) -> None:
    document = {
        "inputs": [{"name": "x", "shape": [3]}],
        "outputs": [{"name": "scores", "shape": [2]}],
        "layers": [
            {"type": "inner_product", "name": "dense", "output_channels": 2, "output": "scores", "updatable": True},
            {"type": "softmax", "name": "share", "output": "shares"},
        ],
        "loss": {"type": "categorical_cross_entropy", "input": "shares", "target": "y_true"},
        "optimizer": SGD,
        "epochs": 1,
    }
    model = build(resolve(document))
    data = lab.examples(x=np.eye(3, dtype=np.float32), y_true=[0, 1, 0])
    learned = engine.train(lab.run(model, data, data, momentum=0.0), notes)
    wanted = losses(read(model).resolved, learned, {**data.arrays}).mean()
    assert notes.results[0].validation_loss == pytest.approx(wanted, abs=1e-5)


def test_scale_of_the_data_is_applied(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab, notes: Notes
) -> None:
    plain = engine.train(lab.run(classifier, clouds, clouds, momentum=0.0), notes)
    large = Examples({**clouds.arrays, "x": clouds.arrays["x"] * 4}, {"x": 0.25}, clouds.count)
    scaled = engine.train(lab.run(classifier, large, large, momentum=0.0), notes)
    np.testing.assert_array_equal(scaled["out"]["weights"], plain["out"]["weights"])
    assert notes.results[0].validation_loss == notes.results[1].validation_loss


def test_the_learning_rate_changes_at_the_end_of_an_epoch(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab, notes: Notes
) -> None:
    run = lab.run(classifier, clouds, epochs=3, momentum=0.0)
    changed = engine.train(replace(run, learning_rates=(0.1, 0.0, 0.0)), notes)
    once = engine.train(lab.run(classifier, clouds, epochs=1, momentum=0.0), notes)
    np.testing.assert_array_equal(changed["hidden"]["weights"], once["hidden"]["weights"])


def test_stop_ends_a_training_that_never_completes(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab
) -> None:
    notes = lab.notes(patience=3)
    with pytest.raises(Stopped):
        engine.train(lab.run(classifier, clouds, epochs=100_000, momentum=0.0), notes)
    assert len(notes.results) < 10


def test_stop_takes_effect_between_core_ml_events(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab, apple: pytest.MonkeyPatch
) -> None:
    apple.setenv("APPLE_STANDIN_EPOCH_DELAY", "3")
    # The engine checks at the beginning, after the first epoch, and while it waits for the second.
    notes = lab.notes(patience=2)
    with pytest.raises(Stopped):
        engine.train(lab.run(classifier, clouds, epochs=100, momentum=0.0), notes)
    assert notes.heard == ["began", "epoch 1"]


def test_exception_of_the_observer_ends_the_training(
    engine: Engine, classifier: bytes, clouds: Examples, lab: Lab, notes: Notes
) -> None:
    def broken(_notice: str | None) -> None:
        raise LookupError("nobody listens")

    notes.training_began = broken
    with pytest.raises(LookupError, match="nobody listens"):
        engine.train(lab.run(classifier, clouds, momentum=0.0), notes)


# The stand-in's arithmetic warns of the overflow that this test provokes.
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_diverged_training_suggests_a_smaller_learning_rate(engine: Engine, lab: Lab, notes: Notes) -> None:
    line = [{"type": "inner_product", "name": "line", "output_channels": 1, "updatable": True}]
    model = lab.model(line, shape=[1], outputs=1, loss="mean_squared_error", optimizer=SGD)
    data = lab.examples(x=np.full((40, 1), 1e30, np.float32), y_true=np.ones((40, 1), np.float32))
    with pytest.raises(EngineError, match=r"the loss is .* in epoch \d+; a smaller learning rate may help") as caught:
        engine.train(lab.run(model, data, data, epochs=50, momentum=0.0), notes)
    assert caught.value.reason is Reason.DIVERGED
    assert not math.isfinite(notes.results[-1].loss)
    assert notes.results[-1].validation_loss is None
