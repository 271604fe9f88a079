"""Faults of the stand-in and the engine's reaction to them."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from pippin.api.states import Reason
from tests.worker.engines.conftest import Lab, Notes
from worker.engines import EngineOptions, UnknownEngineError, make_engine
from worker.engines.engine import Engine, EngineError, TrainingRun

# Their classes stand in conftest.py, which tests cannot import.

ADAM = {"type": "adam", "learning_rate": 0.1, "mini_batch_size": 4, "beta1": 0.9, "beta2": 0.999, "eps": 1e-8}
LAYERS = [
    {"type": "inner_product", "name": "dense", "output_channels": 3, "updatable": True},
    {"type": "softmax", "name": "share"},
]


@pytest.fixture
def run(lab: Lab) -> TrainingRun:
    """Three epochs of a small classifier with square weights."""
    model = lab.model(LAYERS, shape=[3], outputs=3, optimizer=ADAM)
    data = lab.examples(x=np.eye(3, dtype=np.float32).repeat(3, 0), y_true=np.arange(9) % 3)
    made: TrainingRun = lab.run(model, data, data, epochs=3, beta1=0.9, beta2=0.999, eps=1e-8)
    return made


def _failure(engine: Engine, run: TrainingRun, notes: Notes) -> EngineError:
    with pytest.raises(EngineError) as caught:
        engine.train(run, notes)
    assert caught.value.reason is Reason.ENGINE_ERROR
    return caught.value


# Step -> the action that fails, the code, and the number of earlier calls of the observer.
STEPS = {
    "compile": ("compile the model", 0, 0),
    "task": ("set up the training", 6, 0),
    "begin": ("train the model", 6, 1),
    "epoch": ("train the model", 6, 2),
    "predict": ("predict", 0, 1),
    "completion": ("train the model", 6, 4),
    "read": ("return the weights of layer dense", 7, 0),
}


@pytest.mark.parametrize("step", STEPS)
def test_failed_step_is_named_with_domain_and_code(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch, step: str
) -> None:
    doing, code, heard = STEPS[step]
    apple.setenv("APPLE_STANDIN_FAIL", step)
    detail = str(_failure(engine, run, notes))
    assert f"Core ML could not {doing}: " in detail
    assert f"(com.apple.CoreML {code})" in detail
    assert len(notes.heard) == heard


def test_failed_step_without_an_error_is_reported(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    apple.setenv("APPLE_STANDIN_FAIL", "configuration")
    assert str(_failure(engine, run, notes)) == "Core ML could not make a configuration and gives no reason"


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
    detail = str(_failure(engine, run, notes))
    assert "of the weights of layer dense; the file has" in detail
    assert "train this model with the engine jax" in detail
    assert notes.heard == []


def test_weights_in_another_shape_end_the_attempt_before_training(
    engine: Engine, notes: Notes, lab: Lab, apple: pytest.MonkeyPatch
) -> None:
    apple.setenv("APPLE_STANDIN_LAYOUT", "transposed")
    model = lab.model(LAYERS, shape=[2], outputs=3, optimizer=ADAM)
    data = lab.examples(x=np.eye(2, dtype=np.float32), y_true=[0, 1])
    detail = str(_failure(engine, lab.run(model, data, beta1=0.9, beta2=0.999, eps=1e-8), notes))
    assert "the weights of layer dense in the shape [2, 3]; the file's is [3, 2]" in detail
    assert notes.heard == []


@pytest.mark.parametrize("given", ["float16 padded", "float16 contiguous", "float64 padded", "float64 contiguous"])
def test_weights_of_any_type_and_strides_are_read(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch, given: str
) -> None:
    plain = engine.train(run, notes)
    returns, strides = given.split()
    apple.setenv("APPLE_STANDIN_STRIDES", strides)
    apple.setenv("APPLE_STANDIN_RETURNS", returns)
    found = engine.train(run, notes)
    for key, array in plain["dense"].items():
        assert found["dense"][key].dtype == np.float32
        np.testing.assert_allclose(found["dense"][key], array, atol=1e-3 if returns == "float16" else 1e-6)


def test_predictions_that_contradict_the_weights_end_the_attempt(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    # As if Core ML computed another network than the file's.
    check = importlib.import_module("worker.engines.coreml.predictions")
    real = check.answers
    apple.setattr(check, "answers", lambda *given: {name: array + 0.1 for name, array in real(*given).items()})
    assert "predicts y differently than the trained weights" in str(_failure(engine, run, notes))


def test_refused_constructor_is_called_again_with_corrected_metadata(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    plain = engine.train(run, notes)
    apple.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "raises")
    found = engine.train(run, notes)
    np.testing.assert_array_equal(found["dense"]["weights"], plain["dense"]["weights"])
    assert len(notes.lines) == 2


def test_hyperparameters_become_file_defaults_without_the_constructor(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    plain = engine.train(run, notes)
    apple.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "raises")
    apple.setattr("objc.registerMetaDataForSelector", lambda *_given: None)
    found = engine.train(run, notes)
    np.testing.assert_array_equal(found["dense"]["weights"], plain["dense"]["weights"])
    assert len(notes.results) == 6
    assert "chooses the compute units" in notes.lines[-1]


def test_error_of_the_constructor_causes_no_fallback(
    engine: Engine, run: TrainingRun, notes: Notes, apple: pytest.MonkeyPatch
) -> None:
    apple.setenv("APPLE_STANDIN_FIVE_ARGUMENTS", "error")
    assert "Core ML could not set up the training: " in str(_failure(engine, run, notes))


def test_engine_without_the_frameworks_names_the_install_command(tmp_path: Path) -> None:
    with pytest.raises(UnknownEngineError, match=r"the engine coreml cannot run here: .*macOS.*'\.\[worker,mac\]'"):
        make_engine("coreml", EngineOptions(None, tmp_path))


@pytest.mark.usefixtures("apple")
def test_engine_coreml_is_made_by_its_name(tmp_path: Path) -> None:
    assert make_engine("coreml", EngineOptions(None, tmp_path)).name == "coreml"
