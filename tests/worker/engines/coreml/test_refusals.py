"""Runs that the engine refuses before it calls Core ML."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from coremltools.models.nearest_neighbors import KNearestNeighborsClassifierBuilder

from pippin.api.states import Reason
from pippin.models.mlmodel import open_model
from pippin.models.mlmodel.proto import new_model, parse, serialize
from tests.worker.engines import lab
from tests.worker.engines.lab import SOFTMAX, Notes
from worker.engines.engine import Engine, EngineError, TrainingRun


@pytest.fixture
def run() -> TrainingRun:
    model = lab.model([lab.dense("dense", 2), SOFTMAX], shape=[2], optimizer=lab.optimizer("sgd"))
    return lab.run(model, lab.examples(x=np.eye(2, dtype=np.float32), y_true=[0, 1]))


def _neighbors() -> bytes:
    builder = KNearestNeighborsClassifierBuilder(
        input_name="point",
        output_name="color",
        number_of_dimensions=2,
        default_class_label="none",
        number_of_neighbors=1,
    )
    return serialize(builder.spec)


def _pipeline() -> bytes:
    last, model = parse(_neighbors()), new_model()
    model.specificationVersion, model.isUpdatable = 4, True
    model.description.CopyFrom(last.description)
    model.pipeline.models.append(last)
    return serialize(model)


@pytest.mark.parametrize(
    ("make", "kind"),
    [(_neighbors, "a nearest-neighbour classifier"), (_pipeline, "a pipeline")],
    ids=["knn", "pipeline"],
)
def test_neighbours_and_pipelines_are_refused_in_favour_of_jax(
    engine: Engine, run: TrainingRun, notes: Notes, make: Callable[[], bytes], kind: str
) -> None:
    open_model(make())
    with pytest.raises(EngineError, match=f"this is {kind}; use the engine jax") as caught:
        engine.train(replace(run, model=make()), notes)
    assert caught.value.reason is Reason.INVALID_MODEL


def test_invalid_model_bytes_are_refused(engine: Engine, run: TrainingRun, notes: Notes) -> None:
    with pytest.raises(EngineError) as caught:
        engine.train(replace(run, model=b"nonsense"), notes)
    assert caught.value.reason is Reason.INVALID_MODEL


def test_target_that_crashes_core_ml_is_refused(engine: Engine, run: TrainingRun, notes: Notes) -> None:
    model = parse(run.model)
    (target,) = [each for each in model.description.trainingInput if each.name == "y_true"]
    target.type.multiArrayType.shape[:] = [2]
    with pytest.raises(EngineError, match=r"Core ML crashes on the target y_true, declared as int \[2\]") as caught:
        engine.train(replace(run, model=serialize(model)), notes)
    assert caught.value.reason is Reason.INVALID_MODEL


@pytest.mark.parametrize("split", ["training", "validation"])
def test_label_out_of_range_is_refused(engine: Engine, run: TrainingRun, notes: Notes, split: str) -> None:
    wrong = lab.examples(x=np.eye(2, dtype=np.float32), y_true=[0, 2])
    with pytest.raises(EngineError, match="row 1 of y_true is 2; it must be a whole number from 0 to 1") as caught:
        engine.train(replace(run, **{split: wrong}), notes)
    assert caught.value.reason is Reason.INVALID_DATA


def test_wrong_number_of_learning_rates_is_refused(engine: Engine, run: TrainingRun, notes: Notes) -> None:
    with pytest.raises(ValueError, match="2 learning rates for 1 epochs"):
        engine.train(replace(run, learning_rates=(0.1, 0.2)), notes)
