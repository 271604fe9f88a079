"""Stops, their checkpoints and resumed trainings, on the stand-in."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pytest

from pippin.api.states import Reason
from pippin.jobs.checkpoints import Checkpoint, read_checkpoint, write_checkpoint
from pippin.models.mlmodel import Weights, read, with_learned
from pippin.models.mlmodel.proto import parse, serialize
from tests.worker.engines.conftest import Lab
from worker.engines.engine import Engine, EngineError, EpochResult, Examples, Stopped, TrainingRun
from worker.engines.jax.engine import JaxEngine

# Its class stands in conftest.py, which tests cannot import.

SGD = {"type": "sgd", "learning_rate": 0.1, "mini_batch_size": 4, "momentum": 0.0}
ADAM = {"type": "adam", "learning_rate": 0.1, "mini_batch_size": 4, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
LAYERS = [
    {"type": "inner_product", "name": "frozen", "output_channels": 4},
    {"type": "tanh", "name": "bend"},
    {"type": "inner_product", "name": "out", "output_channels": 2, "updatable": True},
    {"type": "softmax", "name": "share"},
]


@dataclass
class Witness:
    """An observer that keeps every checkpoint and requests a stop after `until` epochs.

    Attributes:
        until: None requests no stop.
        silent: The number of calls after that which still request no stop.
    """

    until: int | None = None
    silent: int = 0
    notices: list[str | None] = field(default_factory=list)
    results: list[EpochResult] = field(default_factory=list)
    kept: list[Checkpoint | None] = field(default_factory=list)

    def stop_requested(self) -> bool:
        if self.until is None or len(self.results) < self.until:
            return False
        self.silent -= 1
        return self.silent < 0

    def training_began(self, notice: str | None = None) -> None:
        self.notices.append(notice)

    def epoch_ended(self, result: EpochResult, snapshot: Callable[[], Checkpoint] | None = None) -> None:
        self.results.append(result)
        self.kept.append(None if snapshot is None else snapshot())

    def log(self, line: str) -> None:
        assert line

    @property
    def epochs(self) -> list[int]:
        return [result.epoch for result in self.results]


@pytest.fixture
def clouds(lab: Lab) -> Examples:
    """Two clouds of points, 11 examples: the last mini-batch of 4 is smaller."""
    random = np.random.default_rng(3)
    labels = np.arange(11) % 2
    found: Examples = lab.examples(x=np.float32(random.normal(size=(11, 3)) + labels[:, None]), y_true=labels)
    return found


@pytest.fixture
def run(lab: Lab, clouds: Examples) -> TrainingRun:
    """Five epochs by SGD without momentum, in the order of the data."""
    made: TrainingRun = lab.run(lab.model(LAYERS, shape=[3], optimizer=SGD), clouds, clouds, epochs=5, momentum=0.0)
    return made


def _stopped(engine: Engine, run: TrainingRun, witness: Witness) -> Checkpoint | None:
    with pytest.raises(Stopped) as caught:
        engine.train(run, witness)
    return caught.value.checkpoint


def _stopped_after(engine: Engine, run: TrainingRun, epochs: int) -> Checkpoint:
    checkpoint = _stopped(engine, run, Witness(until=epochs))
    assert checkpoint is not None
    return read_checkpoint(write_checkpoint(checkpoint))


def _changed(run: TrainingRun, **hyperparameters: object) -> TrainingRun:
    return replace(run, hyperparameters=run.hyperparameters.model_copy(update=hyperparameters))


def _close(found: Weights, wanted: Weights, tolerance: float = 1e-5) -> None:
    assert [(layer, list(arrays)) for layer, arrays in found.items()] == [
        (layer, list(arrays)) for layer, arrays in wanted.items()
    ]
    for layer, arrays in wanted.items():
        for key, array in arrays.items():
            assert found[layer][key].dtype == np.float32
            np.testing.assert_allclose(found[layer][key], array, atol=tolerance)


def test_every_epoch_offers_a_checkpoint_of_the_updatable_weights(engine: Engine, run: TrainingRun) -> None:
    witness = Witness()
    learned = engine.train(run, witness)
    assert [kept.epoch for kept in witness.kept if kept] == [1, 2, 3, 4, 5]
    for kept in witness.kept:
        assert kept is not None
        assert (kept.engine, kept.step, kept.batch_sums, kept.moments) == ("coreml", 0, (), ())
        assert kept.environment.keys() == {"system", "chip", "compute_units"}
        assert list(kept.weights) == ["out"]
    last, before = witness.kept[-1], witness.kept[-2]
    assert last is not None
    assert before is not None
    np.testing.assert_array_equal(last.weights["out"]["weights"], learned["out"]["weights"])
    assert (last.weights["out"]["weights"] != before.weights["out"]["weights"]).any()
    assert witness.notices == [None]


def test_stop_in_the_first_epoch_gives_no_checkpoint(engine: Engine, run: TrainingRun) -> None:
    assert _stopped(engine, run, Witness(until=0)) is None


@pytest.mark.parametrize("cancelled", ["silent", "completes"])
def test_stop_at_the_end_of_an_epoch_gives_its_checkpoint(
    engine: Engine, run: TrainingRun, apple: pytest.MonkeyPatch, cancelled: str
) -> None:
    apple.setenv("APPLE_STANDIN_CANCELLED", cancelled)
    witness = Witness(until=2)
    checkpoint = _stopped(engine, run, witness)
    assert witness.epochs == [1, 2]
    assert checkpoint is witness.kept[-1]


@pytest.mark.parametrize("cancelled", ["silent", "completes"])
def test_stop_within_an_epoch_gives_the_previous_checkpoint(
    engine: Engine, run: TrainingRun, apple: pytest.MonkeyPatch, cancelled: str
) -> None:
    # An epoch has three mini-batches. The engine checks at the end of the first and half a second into the second.
    apple.setenv("APPLE_STANDIN_CANCELLED", cancelled)
    apple.setenv("APPLE_STANDIN_BATCH_DELAY", "0.4")
    witness = Witness(until=1, silent=1)
    checkpoint = _stopped(engine, run, witness)
    assert witness.epochs == [1]
    assert checkpoint is witness.kept[-1]


def test_stop_of_a_resumed_training_gives_at_least_its_first_checkpoint(engine: Engine, run: TrainingRun) -> None:
    checkpoint = _stopped_after(engine, run, 2)
    assert _stopped(engine, replace(run, resume=checkpoint), Witness(until=0)) is checkpoint
    later = _stopped(engine, replace(run, resume=checkpoint), Witness(until=2))
    assert later is not None
    assert later.epoch == 4


@pytest.mark.parametrize("stop", [1, 3, 4])
def test_resuming_without_momentum_and_shuffle_matches_an_unbroken_run(
    engine: Engine, run: TrainingRun, stop: int
) -> None:
    whole, jax = Witness(), Witness()
    wanted = engine.train(run, whole)
    independent = JaxEngine().train(run, jax)
    witness = Witness()
    found = engine.train(replace(run, resume=_stopped_after(engine, run, stop)), witness)
    _close(found, wanted)
    _close(found, independent)
    assert witness.epochs == list(range(stop + 1, 6))
    for one, other, third in zip(witness.results, whole.results[stop:], jax.results[stop:], strict=True):
        assert one.loss == pytest.approx(other.loss, abs=1e-5)
        assert one.loss == pytest.approx(third.loss, abs=1e-5)
        assert one.validation_loss == pytest.approx(other.validation_loss, abs=1e-5)
    assert witness.kept[-1] is not None
    assert witness.kept[-1].epoch == 5
    (notice,) = witness.notices
    assert notice is not None
    assert f"resumed from the weights after epoch {stop}" in notice
    assert (
        "SGD without momentum and shuffling needs nothing else, but Apple does not guarantee identical results"
        in notice
    )


def test_resumed_training_uses_the_learning_rates_of_its_epochs(engine: Engine, run: TrainingRun) -> None:
    run = replace(run, learning_rates=(0.3, 0.2, 0.1, 0.02, 0.5))
    wanted = engine.train(run, Witness())
    for stop in (1, 3, 4):
        _close(engine.train(replace(run, resume=_stopped_after(engine, run, stop)), Witness()), wanted)


def test_resumed_training_reports_the_same_mini_batch_losses(engine: Engine, run: TrainingRun) -> None:
    run = replace(run, report_batches=True)
    whole, witness = Witness(), Witness()
    engine.train(run, whole)
    engine.train(replace(run, resume=_stopped_after(engine, run, 3)), witness)
    for one, other in zip(witness.results, whole.results[3:], strict=True):
        assert one.batch_losses == pytest.approx(other.batch_losses, abs=1e-5)


def test_remaining_epochs_may_lie_outside_the_allowed_set(engine: Engine, run: TrainingRun) -> None:
    limited = parse(run.model)
    limited.neuralNetwork.updateParams.epochs.defaultValue = 5
    limited.neuralNetwork.updateParams.epochs.set.values[:] = [5, 10]
    run = replace(run, model=serialize(limited))
    wanted = engine.train(run, Witness())
    _close(engine.train(replace(run, resume=_stopped_after(engine, run, 2)), Witness()), wanted)


def test_resuming_widens_no_other_limit(engine: Engine, lab: Lab, run: TrainingRun) -> None:
    limited = SGD | {"learning_rate": {"default": 0.1, "min": 0, "max": 0.3}}
    checkpoint = _stopped_after(engine, run, 2)
    beyond = replace(run, model=lab.model(LAYERS, shape=[3], optimizer=limited), resume=checkpoint)
    with pytest.raises(EngineError, match="the model does not declare a hyperparameter, or not with this value"):
        engine.train(_changed(beyond, learning_rate=0.5), Witness())


def test_resuming_after_the_last_epoch_trains_nothing(
    engine: Engine, run: TrainingRun, apple: pytest.MonkeyPatch
) -> None:
    run = replace(run, learning_rates=(0.1, 0.1, 0.1, 0.1, 0.2))
    checkpoint = _stopped_after(engine, run, 5)
    wanted = engine.train(run, Witness())
    apple.setenv("APPLE_STANDIN_FAIL", "compile")
    witness = Witness()
    _close(engine.train(replace(run, resume=checkpoint), witness), wanted, 0)
    assert (witness.notices, witness.results) == ([None], [])


LOST = {
    "momentum": (SGD, {"momentum": 0.5}, "the momentum of SGD starts again"),
    "the model's momentum": (SGD | {"momentum": 0.5}, {}, "the momentum of SGD starts again"),
    "adam": (
        ADAM,
        {"beta1": 0.9, "beta2": 0.999, "eps": 1e-8},
        "Adam's moments and its step count start again",
    ),
}


@pytest.mark.parametrize("shuffle", [False, True])
@pytest.mark.parametrize("case", LOST)
def test_notice_names_the_state_that_core_ml_does_not_return(
    engine: Engine, lab: Lab, clouds: Examples, case: str, *, shuffle: bool
) -> None:
    optimizer, values, lost = LOST[case]
    run = lab.run(lab.model(LAYERS, shape=[3], optimizer=optimizer), clouds, epochs=3, shuffle=shuffle, **values)
    witness = Witness()
    engine.train(replace(run, resume=_stopped_after(engine, run, 2)), witness)
    order = "; the shuffled order of the examples starts again from the seed" if shuffle else ""
    assert witness.notices == [
        f"Core ML resumed from the weights after epoch 2; other state is not restored: {lost}{order}."
    ]
    assert witness.epochs == [3]


@pytest.mark.parametrize("case", LOST)
def test_resuming_equals_a_new_training_of_the_same_weights(
    engine: Engine, lab: Lab, clouds: Examples, case: str
) -> None:
    optimizer, values, _ = LOST[case]
    run = lab.run(lab.model(LAYERS, shape=[3], optimizer=optimizer), clouds, epochs=5, shuffle=True, **values)
    checkpoint = _stopped_after(engine, run, 2)
    anew = _changed(replace(run, model=with_learned(run.model, checkpoint.weights)), epochs=3)
    _close(engine.train(replace(run, resume=checkpoint), Witness()), engine.train(anew, Witness()), 0)


def test_the_notice_names_the_machine_before_and_the_one_now(engine: Engine, run: TrainingRun) -> None:
    checkpoint = _stopped_after(engine, run, 2)
    elsewhere = {"system": "macOS 26.1", "chip": "Apple M4", "compute_units": "all"}
    witness = Witness()
    engine.train(replace(run, resume=replace(checkpoint, environment=elsewhere)), witness)
    (notice,) = witness.notices
    assert notice is not None
    assert (
        "it was computed with system macOS 26.1, chip Apple M4, compute units all, and continues with system " in notice
    )
    assert f"chip {checkpoint.environment['chip']}" in notice


def test_checkpoint_names_the_configured_compute_units(
    engine: Engine, run: TrainingRun, apple: pytest.MonkeyPatch
) -> None:
    run = replace(run, compute_units="cpu_only")
    assert _stopped_after(engine, run, 1).environment["compute_units"] == "cpu_only"
    # Without a configuration Core ML receives no compute units.
    apple.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "always_raises")
    assert _stopped_after(engine, run, 1).environment["compute_units"] == "all"


@pytest.mark.parametrize("returns", ["float16", "float64"])
def test_weights_of_another_precision_are_stored_as_float32(
    engine: Engine, run: TrainingRun, apple: pytest.MonkeyPatch, returns: str
) -> None:
    wanted = engine.train(run, Witness())
    apple.setenv("APPLE_STANDIN_RETURNS", returns)
    checkpoint = _stopped_after(engine, run, 2)
    assert checkpoint.weights["out"]["weights"].dtype == np.float32
    _close(engine.train(replace(run, resume=checkpoint), Witness()), wanted, 2e-3 if returns == "float16" else 1e-5)


def test_float16_file_resumes_from_single_precision(engine: Engine, run: TrainingRun) -> None:
    half = parse(run.model)
    for layer in half.neuralNetwork.layers:
        if layer.HasField("innerProduct"):
            for array in (layer.innerProduct.weights, layer.innerProduct.bias):
                array.float16Value = np.asarray(array.floatValue, "<f2").tobytes()
                array.ClearField("floatValue")
    run = replace(run, model=serialize(half))
    wanted = engine.train(run, Witness())
    _close(engine.train(replace(run, resume=_stopped_after(engine, run, 2)), Witness()), wanted)


# The stand-in's arithmetic warns of what these two are about.
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_non_finite_loss_gives_no_checkpoint(engine: Engine, lab: Lab) -> None:
    line = [{"type": "inner_product", "name": "line", "output_channels": 1, "updatable": True}]
    model = lab.model(line, shape=[1], outputs=1, loss="mean_squared_error", optimizer=SGD)
    data = lab.examples(x=np.full((40, 1), 1e30, np.float32), y_true=np.ones((40, 1), np.float32))
    witness = Witness()
    with pytest.raises(EngineError) as caught:
        engine.train(lab.run(model, data, epochs=50, momentum=0.0), witness)
    assert caught.value.reason is Reason.DIVERGED
    assert witness.kept[-1] is None


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_non_finite_weight_gives_the_previous_checkpoint(engine: Engine, run: TrainingRun) -> None:
    # The loss of the second epoch, which is one step, is measured before the step that spoils the weights.
    spoiling = replace(_changed(run, mini_batch_size=11), learning_rates=(0.1, 1e42, 0.1, 0.1, 0.1))
    witness = Witness(until=2)
    checkpoint = _stopped(engine, spoiling, witness)
    assert np.isfinite(witness.results[1].loss or np.nan)
    assert witness.kept[1] is None
    assert checkpoint is witness.kept[0]


def _refused(engine: Engine, run: TrainingRun, checkpoint: Checkpoint) -> str:
    witness = Witness()
    with pytest.raises(EngineError) as caught:
        engine.train(replace(run, resume=checkpoint), witness)
    assert caught.value.reason is Reason.ENGINE_ERROR
    assert witness.notices == []
    return str(caught.value)


def test_mismatching_checkpoint_is_refused_with_the_reason(engine: Engine, run: TrainingRun) -> None:
    good = _stopped_after(engine, run, 2)
    out = dict(good.weights["out"])
    assert "made by the engine jax" in _refused(engine, run, replace(good, engine="jax"))
    assert "3 mini-batches after epoch 2" in _refused(engine, run, replace(good, step=3, batch_sums=(1.0, 1.0, 1.0)))
    assert "0 mini-batches after epoch 6; Core ML can resume only from the end of an epoch, up to 5" in _refused(
        engine, run, replace(good, epoch=6)
    )
    assert "it lacks the bias of layer out" in _refused(
        engine, run, replace(good, weights={"out": {"weights": out["weights"]}})
    )
    assert "has the weights of layer out in the shape [4, 2], not [2, 4]" in _refused(
        engine, run, replace(good, weights={"out": out | {"weights": out["weights"].T}})
    )
    frozen = read(run.model).weights["frozen"]["bias"]
    assert "has the bias of layer frozen, which the model does not train" in _refused(
        engine, run, replace(good, weights={**good.weights, "frozen": {"bias": frozen}})
    )
