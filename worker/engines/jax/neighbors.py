"""Nearest neighbours: training appends the examples to the model's samples."""

import time

import numpy as np

from pippin.api.states import Reason
from pippin.datasets.classes import learned_labels
from pippin.datasets.names import with_spelling_of
from pippin.models.mlmodel import Samples
from pippin.models.neighbors import NeighborsModel, append, predict
from worker.engines.engine import EngineError, EpochResult, Examples, Observer, Stopped, TrainingRun


def learn_neighbors(model: NeighborsModel, run: TrainingRun, observer: Observer) -> Samples:
    """Append the examples, in their order, to the model's samples.

    Raises:
        EngineError: The examples do not fit the model.
        Stopped: The observer requested a stop.
    """
    began = time.perf_counter()
    observer.training_began()
    learned = append(model, _points(model, run.training), _labels(model, run.training, run.class_names))
    seconds = max(time.perf_counter() - began, 1e-9)
    accuracy = None if run.validation is None else _accuracy(learned, run, observer)
    observer.log(f"{run.training.count:,} samples added to {len(model.labels):,}")
    observer.epoch_ended(
        EpochResult(
            epoch=1,
            loss=None,
            validation_loss=None,
            validation_accuracy=accuracy,
            seconds=time.perf_counter() - began,
            examples_per_second=run.training.count / seconds,
            batch_losses=None,
        )
    )
    return Samples(learned.samples, learned.labels)


def _points(model: NeighborsModel, examples: Examples) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    array = examples.arrays[model.input]
    points = array.reshape(examples.count, -1).astype(np.float32) * np.float32(examples.scales.get(model.input, 1))
    if points.shape[1] != model.dimensions:
        raise EngineError(
            Reason.INVALID_DATA,
            f"the examples of {model.input} have {points.shape[1]} numbers; the model needs {model.dimensions}",
        )
    return points


def _labels(model: NeighborsModel, examples: Examples, names: tuple[str, ...] | None) -> list[str | int]:
    numbers = examples.arrays[model.predicted_feature].reshape(-1)
    class_names = with_spelling_of(model.classes, names)
    return [learned_labels(model.label_type, class_names, int(number)) for number in numbers]


def _accuracy(learned: NeighborsModel, run: TrainingRun, observer: Observer) -> float:
    assert run.validation is not None
    if observer.stop_requested():
        raise Stopped
    predicted = predict(learned, _points(learned, run.validation), k=run.hyperparameters.number_of_neighbors)
    labels = _labels(learned, run.validation, run.class_names)
    return sum(one == other for one, other in zip(predicted.labels, labels, strict=True)) / run.validation.count
