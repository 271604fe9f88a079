"""Trainings that are interrupted and resume from a checkpoint give the same bits as an unbroken one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest

from pippin.api.states import Reason
from pippin.jobs.checkpoints import Checkpoint, ShuffleState, read_checkpoint, write_checkpoint
from pippin.models.mlmodel import build, read
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from tests.worker.engines import lab
from tests.worker.engines.lab import ADAM_VALUES, SOFTMAX, Notes
from worker.engines.engine import EngineError, EpochResult, Stopped, TrainingRun
from worker.engines.jax.engine import JaxEngine
from worker.engines.jax.shuffle import first_state, shuffled
from worker.engines.jax.switches import FORMER, Switches

OPTIMIZERS = {"sgd": {"momentum": 0.9}, "adam": ADAM_VALUES}
TABLES = {"whole": {}, "windowed": {"resident_bytes": 0}}
ADAM = pytest.mark.parametrize("run", ["adam"], indirect=True)
BOTH = pytest.mark.parametrize(("run", "table"), [("sgd", "whole"), ("adam", "windowed")], indirect=["run"])
SGD = pytest.mark.parametrize("run", ["sgd"], indirect=True)
LAYERS = [
    lab.dense("frozen", 5, updatable=False),
    lab.dense("hidden", 6),
    {"type": "tanh", "name": "bend"},
    lab.dense("out", 3),
    SOFTMAX,
]
EPOCHS = 2
# Of 11 examples in mini-batches of 4.
STEPS = 3
# One check for a stop per step and one for the validation, which is a single mini-batch.
STOP_CHECKS = EPOCHS * (STEPS + 1)


@dataclass
class Outcome:
    """The result of a training, or of all its parts."""

    weights: dict[str, bytes]
    results: list[tuple[object, ...]]

    def after(self, epoch: int) -> "Outcome":
        """The same weights, and the results after an epoch."""
        return Outcome(self.weights, self.results[epoch:])


def _stepwise(switches: Switches | None = None, **options: int) -> JaxEngine:
    """A new engine that can stop after each step."""
    return JaxEngine(switches or Switches(), steps_per_chunk=1, **options)


def _measures(results: list[EpochResult]) -> list[tuple[object, ...]]:
    return [
        (each.epoch, each.loss, each.batch_losses, each.validation_loss, each.validation_accuracy) for each in results
    ]


def _outcome(engine: JaxEngine, run: TrainingRun, notes: Notes | None = None) -> Outcome:
    """The result of a training that runs to its end."""
    notes = notes or Notes()
    weights = engine.train(run, notes)
    return Outcome(lab.bits(weights), _measures(notes.results))


def _stopped(engine: JaxEngine, run: TrainingRun, notes: Notes) -> Checkpoint | None:
    """The checkpoint of a training that the observer stops, through a file."""
    with pytest.raises(Stopped) as stopped:
        engine.train(run, notes)
    found = stopped.value.checkpoint
    return None if found is None else read_checkpoint(write_checkpoint(found))


def _in_parts(engine: JaxEngine, run: TrainingRun, patience: Iterator[int | None]) -> tuple[Outcome, list[Checkpoint]]:
    """The training, stopped and resumed once per value of `patience`; None runs to the end."""
    results: list[EpochResult] = []
    checkpoints: list[Checkpoint] = []
    for each in patience:
        notes = Notes(each)
        if each is None:
            weights = engine.train(run, notes)
            return Outcome(lab.bits(weights), _measures(results + notes.results)), checkpoints
        found = _stopped(engine, run, notes)
        assert found is not None
        assert set(notes.notices) == {None}
        results += notes.results
        checkpoints.append(found)
        run = replace(run, resume=found)
    raise AssertionError("the training was never let run to its end")


@pytest.fixture(scope="module", params=OPTIMIZERS)
def run(request: pytest.FixtureRequest) -> TrainingRun:
    """A job with a last mini-batch that is not full, in another order each epoch."""
    values = {"learning_rate": 0.05, "mini_batch_size": 4, **OPTIMIZERS[request.param]}
    random = np.random.default_rng(2)
    data = lab.examples(x=random.normal(size=(11, 2)).astype(np.float32), y_true=random.integers(0, 3, 11))
    file = lab.model(LAYERS, shape=[2], outputs=3, optimizer={"type": request.param, **values})
    return lab.run(file, data, data, report_batches=True, epochs=EPOCHS, shuffle=True, seed=7, **values)


@pytest.fixture(scope="module")
def unbroken(run: TrainingRun) -> Outcome:
    return _outcome(_stepwise(), run)


@pytest.fixture(scope="module")
def halfway(run: TrainingRun) -> Checkpoint:
    """After two steps of the second epoch."""
    found = _stopped(_stepwise(), run, Notes(STEPS + 1 + 2))
    assert found is not None
    return found


@pytest.mark.full
@BOTH
def test_training_interrupted_at_every_check_gives_the_same_bits(
    table: str, run: TrainingRun, unbroken: Outcome
) -> None:
    engine = _stepwise(**TABLES[table])
    parts, checkpoints = _in_parts(engine, run, iter([1] * (STOP_CHECKS - 1) + [None]))
    assert parts == unbroken
    places = [(found.epoch, found.step, found.taken) for found in checkpoints]
    # (0, 3, 3) and (1, 3, 6) were stopped before their validation.
    assert places == [(0, 1, 1), (0, 2, 2), (0, 3, 3), (1, 0, 3), (1, 1, 4), (1, 2, 5), (1, 3, 6)]
    assert all(len(found.batch_sums) == found.step for found in checkpoints)


@pytest.mark.full
@BOTH
@pytest.mark.parametrize("patience", range(1, STOP_CHECKS))
def test_one_interruption_anywhere_gives_the_same_bits(
    table: str, patience: int, run: TrainingRun, unbroken: Outcome
) -> None:
    engine = _stepwise(**TABLES[table])
    parts, _ = _in_parts(engine, run, iter([patience, None]))
    assert parts == unbroken


@pytest.mark.full
def test_preset_network_resumes_with_the_same_bits() -> None:
    random = np.random.default_rng(4)
    images, digits = random.integers(0, 256, (300, 1, 28, 28), np.uint8), random.integers(0, 10, 300)
    resolved = resolve(preset("mnist-cnn"))
    data = lab.examples({"image": 1 / 255}, image=images, output_true=digits)
    values = {"epochs": 2, "mini_batch_size": 128, "learning_rate": 1e-3, "shuffle": True, **OPTIMIZERS["adam"]}
    run = lab.run(build(resolved), data, data, report_batches=True, **values)
    engine = _stepwise()
    # Three steps and three checks during validation an epoch.
    parts, _ = _in_parts(engine, run, iter([2, 3, 4, None]))
    assert parts == _outcome(engine, run)


@ADAM
def test_resuming_with_another_table_and_chunks_gives_the_same_bits(
    run: TrainingRun, halfway: Checkpoint, unbroken: Outcome
) -> None:
    assert _outcome(JaxEngine(resident_bytes=0), replace(run, resume=halfway)) == unbroken.after(1)


def test_snapshots_change_no_bit_and_each_can_be_resumed(run: TrainingRun, unbroken: Outcome) -> None:
    taker = Notes(takes_snapshots=True)
    assert lab.bits(_stepwise().train(run, taker)) == unbroken.weights
    assert [(found.epoch, found.step, found.taken) for found in taker.snapshots if found] == [(1, 0, 3), (2, 0, 6)]
    for found in taker.snapshots:
        notes = Notes()
        assert found is not None
        resumed = replace(run, resume=read_checkpoint(write_checkpoint(found)))
        assert _outcome(_stepwise(), resumed, notes) == unbroken.after(found.epoch)
        assert notes.notices == [None]


def test_checkpoint_holds_the_trained_weights_and_their_moments(run: TrainingRun, halfway: Checkpoint) -> None:
    trained = {"hidden/weights", "hidden/bias", "out/weights", "out/bias"}
    assert lab.bits(halfway.weights).keys() == trained
    for moment in halfway.moments:
        assert lab.bits(moment).keys() == trained
        assert any(array.any() for arrays in moment.values() for array in arrays.values())
    assert len(halfway.moments) == (1 if run.hyperparameters.momentum else 2)
    assert halfway.environment.keys() == {"pippin", "jaxlib", "device", "threads", "processor"}


@ADAM
def test_mid_epoch_checkpoint_holds_the_order_of_the_previous_epoch(halfway: Checkpoint) -> None:
    first = shuffled(first_state(11, 7))
    assert halfway.shuffle is not None
    assert halfway.shuffle.order.tolist() == first.order.tolist()
    assert halfway.shuffle.generator == first.generator
    assert halfway.switches == Switches().document()


@pytest.mark.full
@pytest.mark.parametrize("patience", [2, STEPS + 1, STEPS + 3], ids=["first epoch", "epoch's end", "second epoch"])
def test_resumed_training_keeps_the_switches_of_its_checkpoint(run: TrainingRun, patience: int) -> None:
    former = _stepwise(FORMER)
    expected = _outcome(former, run)
    found = _stopped(former, run, Notes(patience))
    assert found is not None
    # The second is like old checkpoints, which name no switches.
    for checkpoint in (found, replace(found, switches={})):
        assert _outcome(_stepwise(), replace(run, resume=checkpoint)) == expected.after(found.epoch)
    assert expected != _outcome(_stepwise(), run)


@pytest.mark.full
@ADAM
def test_each_switch_changes_the_training_and_resumes_exactly(run: TrainingRun, unbroken: Outcome) -> None:
    for switches in (Switches(order="pippin"), Switches(last_batch="own_size"), Switches(adam="eps_outside")):
        engine = _stepwise(switches)
        parts, _ = _in_parts(engine, run, iter([STEPS + 2, None]))
        assert parts == _outcome(engine, run)
        assert parts.weights != unbroken.weights


@SGD
def test_resuming_does_not_modify_the_checkpoint(run: TrainingRun, halfway: Checkpoint) -> None:
    before = write_checkpoint(halfway)
    # JAX uses aligned memory without a copy, and the program overwrites its arguments.
    weights = {name: dict(arrays) for name, arrays in halfway.weights.items()}
    aligned = replace(halfway, weights=weights)
    for arrays in weights.values():
        for key, array in arrays.items():
            room = np.zeros(array.size + 16, np.float32)
            begin = -room.ctypes.data % 64 // 4
            arrays[key] = room[begin : begin + array.size].reshape(array.shape)
            arrays[key][...] = array
    _stepwise().train(replace(run, resume=aligned), Notes())
    assert write_checkpoint(aligned) == before


@SGD
def test_stop_before_the_first_step_gives_no_checkpoint(run: TrainingRun, halfway: Checkpoint) -> None:
    assert _stopped(_stepwise(), run, Notes(0)) is None
    assert _stopped(_stepwise(), replace(run, resume=halfway), Notes(0)) is None


@SGD
def test_resumed_training_uses_the_learning_rates_of_its_epochs(run: TrainingRun, unbroken: Outcome) -> None:
    scheduled = replace(run, learning_rates=(0.05, 0.01))
    engine = _stepwise()
    parts, _ = _in_parts(engine, scheduled, iter([STEPS + 2, None]))
    assert parts == _outcome(engine, scheduled)
    assert parts != unbroken


@ADAM
def test_change_of_environment_is_noted(run: TrainingRun, halfway: Checkpoint) -> None:
    here = halfway.environment
    moved = replace(halfway, environment=dict(here) | {"threads": "64", "jaxlib": "0.0.1"})
    notes = Notes()
    _stepwise().train(replace(run, resume=moved), notes)
    (notice,) = notes.notices
    assert notice == (
        f"The checkpoint was made with jaxlib 0.0.1 (here {here['jaxlib']}), threads 64 (here {here['threads']}): "
        "results may differ in their last bits from an uninterrupted training."
    )
    silent = Notes()
    _stepwise().train(replace(run, resume=replace(halfway, environment={})), silent)
    assert "threads unknown" in str(silent.notices[0])


def _without_a_layer(found: Checkpoint) -> dict[str, object]:
    return {"weights": {"out": found.weights["out"]}}


def _with_the_frozen_layer(found: Checkpoint) -> dict[str, object]:
    return {"weights": {**found.weights, "frozen": found.weights["out"]}}


def _turned(found: Checkpoint) -> dict[str, object]:
    (moment,) = found.moments
    return {"moments": ({**moment, "out": {**moment["out"], "weights": moment["out"]["weights"].T}},)}


@SGD
@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"engine": "coreml"}, "was made by the engine coreml"),
        ({"epoch": 3}, "was made after epoch 3; the training has 2"),
        ({"epoch": 2}, "was made after step 2 of epoch 3; the training has 0 steps there"),
        ({"step": 4}, "was made after step 4 of epoch 2; the training has 3 steps there"),
        ({"batch_sums": (0.5,)}, "holds the losses of 1 steps; it has taken 2"),
        ({"batch_totals": ()}, "holds the losses of 0 steps; it has taken 2"),
        (lambda found: {"moments": found.moments * 2}, "holds 2 moments of each weight"),
        ({"shuffle": None}, "does not hold the order of the examples"),
        ({"shuffle": first_state(12, 7)}, "holds an order of 12 examples; the training has 11"),
        ({"shuffle": ShuffleState(np.zeros(11, np.int32), 1)}, "holds an order of 11 examples"),
        ({"switches": {"order": "coreml"}}, "has the switches order, not order, last_batch"),
        (
            lambda found: {"switches": {**found.switches, "adam": "nadam"}},
            "has 'nadam' for the switch adam, not eps_hat or eps_outside",
        ),
        (_without_a_layer, "lacks the bias of layer hidden among its weights"),
        (_with_the_frozen_layer, "holds the bias of layer frozen among its weights"),
        (_turned, r"has float32 \[6, 3\] for the weights of layer out among its moments 1; .* float32 \[3, 6\]"),
    ],
)
def test_a_checkpoint_of_another_training_is_refused(
    changes: dict[str, object] | Callable[[Checkpoint], dict[str, object]],
    sentence: str,
    run: TrainingRun,
    halfway: Checkpoint,
) -> None:
    checkpoint = replace(halfway, **(changes(halfway) if callable(changes) else changes))
    notes = Notes()
    with pytest.raises(EngineError, match=f"the checkpoint does not fit the training: it {sentence}") as refused:
        JaxEngine().train(replace(run, resume=checkpoint), notes)
    assert refused.value.reason is Reason.ENGINE_ERROR
    assert notes.notices == []


def _ruin(**values: float) -> TrainingRun:
    """y = 0.5 x with a learning rate that is far too large, one example a step."""
    layers, optimizer = [lab.dense("line", 1, weights=[[0.5]])], lab.optimizer("sgd", mini_batch_size=1)
    file = lab.model(layers, shape=[1], outputs=1, loss="mean_squared_error", optimizer=optimizer)
    return lab.run(file, lab.examples(x=[[1e19]], y_true=[[0.0]]), mini_batch_size=1, momentum=0, **values)


def test_non_finite_loss_gives_no_snapshot() -> None:
    taker = Notes(takes_snapshots=True)
    with pytest.raises(EngineError, match="at step 1 of epoch 2"):
        JaxEngine().train(_ruin(epochs=9, learning_rate=1), taker)
    first, second = taker.snapshots
    assert first is not None
    assert np.isfinite(first.weights["line"]["weights"]).all()
    assert second is None


def test_non_finite_weights_give_no_checkpoint() -> None:
    # The first loss is finite, and the step that follows it ruins the weights.
    run = _ruin(epochs=2, learning_rate=1e30)
    taker = Notes(takes_snapshots=True)
    with pytest.raises(EngineError, match="at step 1 of epoch 2"):
        JaxEngine().train(run, taker)
    assert [result.loss is not None and np.isfinite(result.loss) for result in taker.results] == [True, False]
    assert taker.snapshots == [None, None]
    assert _stopped(JaxEngine(), run, Notes(1)) is None
    assert np.isfinite(read(run.model).weights["line"]["weights"]).all()
