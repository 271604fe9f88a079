"""The engine on the stand-in: reports, stops, learning rates and validation."""

import math
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pippin.api.states import Reason
from pippin.jobs.checkpoints import Checkpoint
from pippin.models.mlmodel import build, read
from pippin.models.mlmodel.proto import parse, serialize
from pippin.models.spec import resolve
from pippin.network import losses
from tests.worker.engines import lab
from tests.worker.engines.lab import SOFTMAX, Notes
from worker.engines.engine import Engine, EngineError, EpochResult, Examples, Stopped, TrainingRun

SGD = lab.optimizer("sgd", momentum=0.0)
LAYERS = [lab.dense("hidden", 5), {"type": "tanh", "name": "bend"}, lab.dense("out", 2), SOFTMAX]


def _model(**optimizer: object) -> bytes:
    return lab.model(LAYERS, shape=[3], optimizer=SGD | optimizer)


def _run(**options: Any) -> TrainingRun:  # noqa: ANN401 - those of `lab.run`
    return lab.run(_model(), lab.clouds(), **options)


def _mean_loss(run: TrainingRun, weights: Any) -> Any:  # noqa: ANN401 - approx() compares it
    mean = losses(read(run.model).resolved, weights, dict(run.training.arrays)).mean()
    return pytest.approx(mean, abs=1e-5)


def test_observer_is_called_on_the_training_thread(
    engine: Engine, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads = set()
    notes_ended = notes.epoch_ended

    def ended(result: EpochResult, snapshot: Callable[[], Checkpoint] | None) -> None:
        threads.add(threading.current_thread())
        notes_ended(result, snapshot)

    monkeypatch.setattr(notes, "epoch_ended", ended)
    engine.train(_run(epochs=3), notes)
    assert notes.heard == ["began", "epoch 1", "epoch 2", "epoch 3"]
    assert threads == {threading.current_thread()}
    assert "Core ML" in notes.lines[0]


def test_epoch_reports_its_loss_and_no_unrequested_measures(engine: Engine, notes: Notes) -> None:
    run = _run(learning_rate=0.0)
    engine.train(run, notes)
    (result,) = notes.results
    assert result.loss == _mean_loss(run, read(run.model).weights)
    assert (result.validation_loss, result.validation_accuracy, result.batch_losses) == (None, None, None)
    assert result.examples_per_second > 0


def test_only_declared_hyperparameters_are_sent(engine: Engine, notes: Notes) -> None:
    # The stand-in refuses those that the model does not declare.
    model = parse(lab.model(LAYERS, shape=[3], optimizer=lab.optimizer("sgd")))
    model.neuralNetwork.updateParams.ClearField("shuffle")
    model.neuralNetwork.updateParams.ClearField("seed")
    engine.train(lab.run(serialize(model), lab.clouds(), momentum=0.5, eps=1e-8), notes)
    assert notes.heard == ["began", "epoch 1"]


def test_hyperparameter_outside_the_limits_is_explained(engine: Engine, notes: Notes) -> None:
    model = _model(learning_rate={"default": 0.1, "min": 0, "max": 0.3})
    expected = r"\(com.apple.CoreML 7\); the model does not declare a hyperparameter, or not"
    with pytest.raises(EngineError, match=expected):
        engine.train(lab.run(model, lab.clouds(), learning_rate=0.5), notes)


def test_learning_rate_of_zero_leaves_the_weights_unchanged(engine: Engine, notes: Notes) -> None:
    run = _run(learning_rate=0.0)
    learned, before = engine.train(run, notes), read(run.model).weights
    assert list(learned) == list(before)
    assert lab.bits(learned) == lab.bits(before)


def test_mini_batch_losses_are_reported_on_request(engine: Engine, apple: pytest.MonkeyPatch, notes: Notes) -> None:
    apple.setenv("APPLE_STANDIN_LOSS_VALUE", "batches")
    engine.train(_run(report_batches=True, epochs=2), notes)
    assert [len(result.batch_losses) for result in notes.results] == [3, 3]
    for result in notes.results:
        assert np.mean(result.batch_losses) == pytest.approx(result.loss, abs=1e-5)


def test_validation_loss_is_that_of_pippins_network(engine: Engine, notes: Notes) -> None:
    run = _run(validation=lab.clouds(), epochs=2)
    learned = engine.train(run, notes)
    assert notes.results[-1].validation_loss == _mean_loss(run, learned)
    accuracy = notes.results[-1].validation_accuracy
    assert accuracy is not None
    assert 0 <= accuracy <= 1


def test_a_regression_is_validated_without_accuracy(engine: Engine, notes: Notes) -> None:
    model = lab.model([lab.dense("line", 2)], shape=[1], loss="mean_squared_error", optimizer=SGD)
    x = np.linspace(-1, 1, 9, dtype=np.float32)[:, None]
    data = lab.examples(x=x, y_true=np.hstack([3 * x, 1 - x]))
    run = lab.run(model, data, data, epochs=3)
    learned = engine.train(run, notes)
    assert notes.results[-1].validation_loss == _mean_loss(run, learned)
    assert notes.results[-1].validation_accuracy is None


def test_validation_loss_on_a_hidden_blob_is_measured(engine: Engine, notes: Notes) -> None:
    spec = lab.document(
        outputs=[{"name": "scores", "shape": [2]}],
        layers=[lab.dense("dense", 2, output="scores"), SOFTMAX | {"output": "shares"}],
        loss={"type": "categorical_cross_entropy", "input": "shares", "target": "y_true"},
        optimizer=SGD,
    )
    data = lab.examples(x=np.eye(3, dtype=np.float32), y_true=[0, 1, 0])
    run = lab.run(build(resolve(spec)), data, data)
    learned = engine.train(run, notes)
    assert notes.results[0].validation_loss == _mean_loss(run, learned)


def test_scale_of_the_data_is_applied(engine: Engine, notes: Notes) -> None:
    clouds = lab.clouds()
    plain = lab.train(engine, _run(validation=clouds), notes)
    large = Examples({**clouds.arrays, "x": clouds.arrays["x"] * 4}, {"x": 0.25}, clouds.count)
    scaled = lab.train(engine, lab.run(_model(), large, large), notes)
    np.testing.assert_array_equal(scaled["out"]["weights"], plain["out"]["weights"])
    assert notes.results[0].validation_loss == notes.results[1].validation_loss


def test_the_learning_rate_changes_at_the_end_of_an_epoch(engine: Engine, notes: Notes) -> None:
    changed = lab.train(engine, replace(_run(epochs=3), learning_rates=(0.1, 0.0, 0.0)), notes)
    once = lab.train(engine, _run(epochs=1), notes)
    np.testing.assert_array_equal(changed["hidden"]["weights"], once["hidden"]["weights"])


def test_stop_ends_a_training_that_never_completes(engine: Engine) -> None:
    notes = Notes(patience=3)
    with pytest.raises(Stopped):
        engine.train(_run(epochs=100_000), notes)
    assert len(notes.results) < 10


def test_stop_takes_effect_between_core_ml_events(engine: Engine, apple: pytest.MonkeyPatch) -> None:
    apple.setenv("APPLE_STANDIN_EPOCH_DELAY", "3")
    # The engine checks at the beginning, after the first epoch, and while it waits for the second.
    notes = Notes(patience=2)
    with pytest.raises(Stopped):
        engine.train(_run(epochs=100), notes)
    assert notes.heard == ["began", "epoch 1"]


def test_exception_of_the_observer_ends_the_training(
    engine: Engine, notes: Notes, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_notice: str | None) -> None:
        raise LookupError("the observer is broken")

    monkeypatch.setattr(notes, "training_began", broken)
    with pytest.raises(LookupError, match="the observer is broken"):
        engine.train(_run(), notes)


# The stand-in's arithmetic warns of the overflow that this test provokes.
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_diverged_training_suggests_a_smaller_learning_rate_and_gives_no_checkpoint(engine: Engine) -> None:
    model = lab.model([lab.dense("line", 1)], shape=[1], outputs=1, loss="mean_squared_error", optimizer=SGD)
    data = lab.examples(x=np.full((40, 1), 1e30, np.float32), y_true=np.ones((40, 1), np.float32))
    notes = Notes(takes_snapshots=True)
    with pytest.raises(EngineError, match=r"the loss is .* in epoch \d+; a smaller learning rate may help") as caught:
        engine.train(lab.run(model, data, data, epochs=50), notes)
    assert caught.value.reason is Reason.DIVERGED
    assert not math.isfinite(notes.results[-1].loss)
    assert notes.results[-1].validation_loss is None
    assert notes.snapshots[-1] is None
