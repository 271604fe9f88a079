"""Faults of the stand-in and the engine's reaction to them."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from pippin.api.states import Reason
from tests.worker.engines import lab
from tests.worker.engines.lab import ADAM, ADAM_VALUES, SOFTMAX, Notes
from worker.engines import EngineOptions, make_engine
from worker.engines.engine import Engine, EngineError, TrainingRun

LAYERS = [lab.dense("dense", 3), SOFTMAX]


@pytest.fixture
def run() -> TrainingRun:
    """Three epochs of a small classifier with square weights."""
    model = lab.model(LAYERS, shape=[3], outputs=3, optimizer=ADAM)
    data = lab.examples(x=np.eye(3, dtype=np.float32).repeat(3, 0), y_true=np.arange(9) % 3)
    return lab.run(model, data, data, epochs=3, **ADAM_VALUES)


def _failure(engine: Engine, run: TrainingRun, notes: Notes) -> str:
    with pytest.raises(EngineError) as caught:
        engine.train(run, notes)
    assert caught.value.reason is Reason.ENGINE_ERROR
    return str(caught.value)


# The step that fails, the action that the error names, the code, and the number of earlier calls of the observer.
STEPS = [
    ("compile", "compile the model", 0, 0),
    ("task", "set up the training", 6, 0),
    ("begin", "train the model", 6, 1),
    ("epoch", "train the model", 6, 2),
    ("predict", "predict", 0, 1),
    ("completion", "train the model", 6, 4),
    ("read", "return the weights of layer dense", 7, 0),
]


@pytest.mark.parametrize(("step", "action", "code", "heard"), STEPS, ids=[step for step, *_ in STEPS])
def test_failed_step_is_named_with_domain_and_code(
    *,
    engine: Engine,
    run: TrainingRun,
    notes: Notes,
    apple: pytest.MonkeyPatch,
    step: str,
    action: str,
    code: int,
    heard: int,
) -> None:
    apple.setenv("APPLE_STANDIN_FAIL", step)
    detail = _failure(engine, run, notes)
    assert f"Core ML could not {action}: " in detail
    assert f"(com.apple.CoreML {code})" in detail
    assert len(notes.heard) == heard


def test_failed_step_without_an_error_is_reported(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    apple.setenv("APPLE_STANDIN_FAIL", "configuration")
    assert _failure(engine, run, notes) == "Core ML could not make a configuration and gives no reason"


def test_compiled_model_is_deleted_afterwards(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    apple.setattr("tempfile.tempdir", str(tmp_path))
    engine.train(run, notes)
    assert list(tmp_path.rglob("*.mlmodel*")) == []


def test_weights_in_another_order_end_the_attempt_before_training(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    apple.setenv("APPLE_STANDIN_LAYOUT", "transposed")
    detail = _failure(engine, run, notes)
    assert "of the weights of layer dense; the file has" in detail
    assert "train this model with the engine jax" in detail
    assert notes.heard == []


def test_weights_in_another_shape_end_the_attempt_before_training(
    engine: Engine, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    apple.setenv("APPLE_STANDIN_LAYOUT", "transposed")
    model = lab.model(LAYERS, shape=[2], outputs=3, optimizer=ADAM)
    data = lab.examples(x=np.eye(2, dtype=np.float32), y_true=[0, 1])
    detail = _failure(engine, lab.run(model, data, **ADAM_VALUES), notes)
    assert "the weights of layer dense in the shape [2, 3]; the file's is [3, 2]" in detail
    assert notes.heard == []


@pytest.mark.parametrize(
    ("returns", "strides", "tolerance"), [("float16", "padded", 1e-3), ("float64", "contiguous", 1e-6)]
)
def test_weights_of_any_type_and_strides_are_read(
    *,
    engine: Engine,
    run: TrainingRun,
    notes: Notes,
    apple: pytest.MonkeyPatch,
    returns: str,
    strides: str,
    tolerance: float,
) -> None:
    plain = engine.train(run, notes)
    apple.setenv("APPLE_STANDIN_STRIDES", strides)
    apple.setenv("APPLE_STANDIN_RETURNS", returns)
    lab.assert_close(engine.train(run, notes), plain, tolerance)


def test_predictions_that_contradict_the_weights_end_the_attempt(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    # As if Core ML computed another network than the file's.
    check = importlib.import_module("worker.engines.coreml.predictions")
    real = check.answers
    apple.setattr(check, "answers", lambda *arguments: {name: array + 0.1 for name, array in real(*arguments).items()})
    assert "predicts y differently than the trained weights" in _failure(engine, run, notes)


def test_refused_constructor_is_called_again_with_corrected_metadata(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    plain = lab.train(engine, run, notes)
    apple.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "raises")
    learned = lab.train(engine, run, notes)
    np.testing.assert_array_equal(learned["dense"]["weights"], plain["dense"]["weights"])
    assert len(notes.lines) == 2


def test_hyperparameters_become_file_defaults_without_the_constructor(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    plain = lab.train(engine, run, notes)
    apple.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "raises")
    apple.setattr("objc.registerMetaDataForSelector", lambda *_: None)
    learned = lab.train(engine, run, notes)
    np.testing.assert_array_equal(learned["dense"]["weights"], plain["dense"]["weights"])
    assert len(notes.results) == 6
    assert "chooses the compute units" in notes.lines[-1]


def test_error_of_the_constructor_causes_no_fallback(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    apple.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "error")
    assert "Core ML could not set up the training: " in _failure(engine, run, notes)


@pytest.mark.usefixtures("apple")
def test_engine_coreml_is_made_by_its_name(tmp_path: Path) -> None:
    assert make_engine("coreml", EngineOptions(None, tmp_path)).name == "coreml"
