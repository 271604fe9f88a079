"""Stops, their checkpoints and resumed trainings, on the stand-in."""

from dataclasses import replace

import numpy as np
import pytest

from pippin.api.states import Reason
from pippin.jobs.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from pippin.models.mlmodel import Weights, read, with_learned
from pippin.models.mlmodel.proto import parse, serialize
from tests.worker.engines import lab
from tests.worker.engines.lab import ADAM, ADAM_VALUES, SOFTMAX, Notes
from worker.engines.engine import Engine, EngineError, Stopped, TrainingRun
from worker.engines.jax.engine import JaxEngine

SGD = lab.optimizer("sgd", momentum=0.0)
LAYERS = [lab.dense("frozen", 4, updatable=False), {"type": "tanh", "name": "bend"}, lab.dense("out", 2), SOFTMAX]


@pytest.fixture
def run() -> TrainingRun:
    """Five epochs by SGD without momentum, in the order of the data."""
    clouds = lab.clouds()
    return lab.run(lab.model(LAYERS, shape=[3], optimizer=SGD), clouds, clouds, epochs=5, momentum=0.0)


def _stopped(engine: Engine, run: TrainingRun, notes: Notes) -> Checkpoint | None:
    with pytest.raises(Stopped) as caught:
        engine.train(run, notes)
    return caught.value.checkpoint


def _stopped_after(engine: Engine, run: TrainingRun, epochs: int) -> Checkpoint:
    """The checkpoint of a training that is stopped after so many epochs, through a file."""
    checkpoint = _stopped(engine, run, Notes(patience=0, until=epochs))
    assert checkpoint is not None
    return read_checkpoint(write_checkpoint(checkpoint))


def _resumed(engine: Engine, run: TrainingRun, epochs: int) -> tuple[Weights, Notes]:
    """What a training learns that was stopped after so many epochs."""
    notes = Notes(takes_snapshots=True)
    return lab.train(engine, replace(run, resume=_stopped_after(engine, run, epochs)), notes), notes


def _changed(run: TrainingRun, **hyperparameters: object) -> TrainingRun:
    return replace(run, hyperparameters=run.hyperparameters.model_copy(update=hyperparameters))


def _epochs(notes: Notes) -> list[int]:
    return [result.epoch for result in notes.results]


def _notice(notes: Notes) -> str:
    (notice,) = notes.notices
    assert notice is not None
    return notice


def test_every_epoch_offers_a_checkpoint_of_the_updatable_weights(engine: Engine, run: TrainingRun) -> None:
    notes = Notes(takes_snapshots=True)
    learned = lab.train(engine, run, notes)
    assert [kept and kept.epoch for kept in notes.snapshots] == [1, 2, 3, 4, 5]
    snapshots = [kept for kept in notes.snapshots if kept]
    for kept in snapshots:
        assert (kept.engine, kept.step, kept.batch_sums, kept.moments) == ("coreml", 0, (), ())
        assert kept.environment.keys() == {"system", "chip", "compute_units"}
        assert list(kept.weights) == ["out"]
    before, last = (kept.weights["out"]["weights"] for kept in snapshots[-2:])
    np.testing.assert_array_equal(last, learned["out"]["weights"])
    assert (last != before).any()
    assert notes.notices == [None]


def test_stop_in_the_first_epoch_gives_no_checkpoint(engine: Engine, run: TrainingRun) -> None:
    assert _stopped(engine, run, Notes(patience=0)) is None


@pytest.mark.parametrize("cancelled", ["silent", "completes"])
@pytest.mark.parametrize(
    ("epochs", "further_checks", "delay"), [(2, 0, "0"), (1, 1, "0.4")], ids=["at an epoch's end", "within an epoch"]
)
def test_stop_gives_the_checkpoint_of_the_last_whole_epoch(
    *,
    engine: Engine,
    run: TrainingRun,
    apple: pytest.MonkeyPatch,
    cancelled: str,
    epochs: int,
    further_checks: int,
    delay: str,
) -> None:
    # An epoch has three mini-batches. The engine checks at the end of the first and half a second into the second.
    apple.setenv("APPLE_STANDIN_CANCELLED", cancelled)
    apple.setenv("APPLE_STANDIN_BATCH_DELAY", delay)
    notes = Notes(patience=further_checks, until=epochs, takes_snapshots=True)
    checkpoint = _stopped(engine, run, notes)
    assert _epochs(notes) == list(range(1, epochs + 1))
    assert checkpoint is notes.snapshots[-1]


def test_stop_of_a_resumed_training_gives_at_least_its_first_checkpoint(engine: Engine, run: TrainingRun) -> None:
    checkpoint = _stopped_after(engine, run, 2)
    resumed = replace(run, resume=checkpoint)
    assert _stopped(engine, resumed, Notes(patience=0)) is checkpoint
    later = _stopped(engine, resumed, Notes(patience=0, until=2))
    assert later is not None
    assert later.epoch == 4


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_resuming_without_momentum_and_shuffle_matches_an_unbroken_run(
    engine: Engine, run: TrainingRun, stop: int
) -> None:
    run = replace(run, report_batches=True, learning_rates=(0.3, 0.2, 0.1, 0.02, 0.5))
    whole, jax = Notes(), Notes()
    expected, independent = engine.train(run, whole), JaxEngine().train(run, jax)
    learned, notes = _resumed(engine, run, stop)
    lab.assert_close(learned, expected, 1e-5)
    lab.assert_close(learned, independent, 1e-5)
    assert _epochs(notes) == list(range(stop + 1, 6))
    for one, other, third in zip(notes.results, whole.results[stop:], jax.results[stop:], strict=True):
        assert one.loss == pytest.approx(other.loss, abs=1e-5)
        assert one.loss == pytest.approx(third.loss, abs=1e-5)
        assert one.validation_loss == pytest.approx(other.validation_loss, abs=1e-5)
        assert one.batch_losses == pytest.approx(other.batch_losses, abs=1e-5)
    last = notes.snapshots[-1]
    assert last is not None
    assert last.epoch == 5
    notice = _notice(notes)
    assert f"resumed from the weights after epoch {stop}" in notice
    sentence = "SGD without momentum and shuffling needs nothing else, but Apple does not guarantee identical results"
    assert sentence in notice


def test_remaining_epochs_may_lie_outside_the_allowed_set(engine: Engine, run: TrainingRun) -> None:
    limited = parse(run.model)
    limited.neuralNetwork.updateParams.epochs.defaultValue = 5
    limited.neuralNetwork.updateParams.epochs.set.values[:] = [5, 10]
    run = replace(run, model=serialize(limited))
    lab.assert_close(_resumed(engine, run, 2)[0], engine.train(run, Notes()), 1e-5)


def test_resuming_widens_no_other_limit(engine: Engine, run: TrainingRun) -> None:
    limited = SGD | {"learning_rate": {"default": 0.1, "min": 0, "max": 0.3}}
    checkpoint = _stopped_after(engine, run, 2)
    beyond = replace(run, model=lab.model(LAYERS, shape=[3], optimizer=limited), resume=checkpoint)
    with pytest.raises(EngineError, match="the model does not declare a hyperparameter, or not with this value"):
        engine.train(_changed(beyond, learning_rate=0.5), Notes())


def test_resuming_after_the_last_epoch_trains_nothing(
    engine: Engine, run: TrainingRun, apple: pytest.MonkeyPatch
) -> None:
    run = replace(run, learning_rates=(0.1, 0.1, 0.1, 0.1, 0.2))
    checkpoint = _stopped_after(engine, run, 5)
    expected = engine.train(run, Notes())
    apple.setenv("APPLE_STANDIN_FAIL", "compile")
    notes = Notes()
    lab.assert_close(engine.train(replace(run, resume=checkpoint), notes), expected, 0)
    assert (notes.notices, notes.results) == ([None], [])


LOST = pytest.mark.parametrize(
    ("optimizer", "values", "lost"),
    [
        (SGD, {"momentum": 0.5}, "the momentum of SGD starts again"),
        (SGD | {"momentum": 0.5}, {}, "the momentum of SGD starts again"),
        (ADAM, ADAM_VALUES, "Adam's moments and its step count start again"),
    ],
    ids=["momentum", "the model's momentum", "adam"],
)


@pytest.mark.parametrize("shuffle", [False, True])
@LOST
def test_notice_names_the_state_that_core_ml_does_not_return(
    *, engine: Engine, optimizer: dict[str, object], values: dict[str, float], lost: str, shuffle: bool
) -> None:
    model = lab.model(LAYERS, shape=[3], optimizer=optimizer)
    run = lab.run(model, lab.clouds(), epochs=5, shuffle=shuffle, **values)
    checkpoint = _stopped_after(engine, run, 2)
    notes = Notes()
    learned = engine.train(replace(run, resume=checkpoint), notes)
    order = "; the shuffled order of the examples starts again from the seed" if shuffle else ""
    notice = f"Core ML resumed from the weights after epoch 2; other state is not restored: {lost}{order}."
    assert notes.notices == [notice]
    assert _epochs(notes) == [3, 4, 5]
    # Resuming equals a new training of the same weights.
    anew = _changed(replace(run, model=with_learned(run.model, checkpoint.weights)), epochs=3)
    lab.assert_close(learned, engine.train(anew, Notes()), 0)


def test_the_notice_names_the_machine_before_and_the_one_now(engine: Engine, run: TrainingRun) -> None:
    checkpoint = _stopped_after(engine, run, 2)
    elsewhere = {"system": "macOS 26.1", "chip": "Apple M4", "compute_units": "all"}
    notes = Notes()
    engine.train(replace(run, resume=replace(checkpoint, environment=elsewhere)), notes)
    notice = _notice(notes)
    before = "it was computed with system macOS 26.1, chip Apple M4, compute units all, and continues with system "
    assert before in notice
    assert f"chip {checkpoint.environment['chip']}" in notice


def test_checkpoint_names_the_configured_compute_units(
    engine: Engine, run: TrainingRun, apple: pytest.MonkeyPatch
) -> None:
    run = replace(run, compute_units="cpu_only")
    assert _stopped_after(engine, run, 1).environment["compute_units"] == "cpu_only"
    # Without a configuration Core ML receives no compute units.
    apple.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "always_raises")
    assert _stopped_after(engine, run, 1).environment["compute_units"] == "all"


@pytest.mark.parametrize(("returns", "tolerance"), [("float16", 2e-3), ("float64", 1e-5)])
def test_weights_of_another_precision_are_stored_as_float32(
    engine: Engine, run: TrainingRun, apple: pytest.MonkeyPatch, returns: str, tolerance: float
) -> None:
    expected = engine.train(run, Notes())
    apple.setenv("APPLE_STANDIN_RETURNS", returns)
    checkpoint = _stopped_after(engine, run, 2)
    assert checkpoint.weights["out"]["weights"].dtype == np.float32
    lab.assert_close(engine.train(replace(run, resume=checkpoint), Notes()), expected, tolerance)


def test_float16_file_resumes_from_single_precision(engine: Engine, run: TrainingRun) -> None:
    half = parse(run.model)
    for layer in half.neuralNetwork.layers:
        if layer.HasField("innerProduct"):
            for array in (layer.innerProduct.weights, layer.innerProduct.bias):
                array.float16Value = np.asarray(array.floatValue, "<f2").tobytes()
                array.ClearField("floatValue")
    run = replace(run, model=serialize(half))
    lab.assert_close(_resumed(engine, run, 2)[0], engine.train(run, Notes()), 1e-5)


# The stand-in's arithmetic warns of the overflow that this test provokes.
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_non_finite_weight_gives_the_previous_checkpoint(engine: Engine, run: TrainingRun) -> None:
    # The loss of the second epoch, which is one step, is measured before the step that spoils the weights.
    spoiling = replace(_changed(run, mini_batch_size=11), learning_rates=(0.1, 1e42, 0.1, 0.1, 0.1))
    notes = Notes(patience=0, until=2, takes_snapshots=True)
    checkpoint = _stopped(engine, spoiling, notes)
    assert np.isfinite(notes.results[1].loss or np.nan)
    assert notes.snapshots[1] is None
    assert checkpoint is notes.snapshots[0]


def test_mismatching_checkpoint_is_refused_with_the_reason(engine: Engine, run: TrainingRun) -> None:
    good = _stopped_after(engine, run, 2)
    out = dict(good.weights["out"])
    frozen = read(run.model).weights["frozen"]["bias"]
    for changes, sentence in (
        ({"engine": "jax"}, "made by the engine jax"),
        ({"step": 3, "batch_sums": (1.0, 1.0, 1.0)}, "3 mini-batches after epoch 2"),
        ({"epoch": 6}, "0 mini-batches after epoch 6; Core ML can resume only from the end of an epoch, up to 5"),
        ({"weights": {"out": {"weights": out["weights"]}}}, "it lacks the bias of layer out"),
        (
            {"weights": {"out": out | {"weights": out["weights"].T}}},
            "has the weights of layer out in the shape [4, 2], not [2, 4]",
        ),
        (
            {"weights": {**good.weights, "frozen": {"bias": frozen}}},
            "has the bias of layer frozen, which the model does not train",
        ),
    ):
        notes = Notes()
        with pytest.raises(EngineError) as caught:
            engine.train(replace(run, resume=replace(good, **changes)), notes)
        assert caught.value.reason is Reason.ENGINE_ERROR
        assert sentence in str(caught.value)
        assert notes.notices == []
