"""Tasks on trained models: predict and evaluate. A layer may make more numbers than a machine has room for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.datasets import StoredManifest
from pippin.api.predictions import Part
from pippin.api.requests import DatasetSource
from pippin.datasets.arrays import open_arrays
from pippin.datasets.binding import bind
from pippin.datasets.examples import TrainingRows, examples_of
from pippin.errors import FaultyDocumentError, PippinError
from pippin.models.inspection import trainable_of
from pippin.models.mlmodel import AnyModel, open_model
from pippin.models.neighbors import NeighborsError
from pippin.predictions.answers import answer, inputs_of
from pippin.predictions.documents import prediction
from pippin.predictions.evaluation import evaluate, spread
from pippin.predictions.inputs import from_json
from pippin.predictions.pictures import from_picture
from service.sandbox.messages import Answer
from service.tasks.models import value_of


def predict(
    path: str, body: str, *, picture: bool, dataset_labels: Sequence[str] | None, top: int, background: str | None
) -> Answer:
    """What the model answers, as the JSON of a `Prediction` in the attachment, which is sent on as it is.

    Args:
        path: The `.mlmodel`.
        body: A file with `{"inputs": …}` in JSON, or with a picture.
        picture: Whether it is a PNG, JPEG or PGM.
        dataset_labels: What the dataset that it was trained on calls the model's classes.
        top: How many of the likeliest classes to tell.
        background: What shows through transparent pixels of a picture.

    Raises:
        MalformedDocumentError: The body is no JSON.
        PredictionError: The inputs do not fit the model; it carries every reason.
        PippinError: The model cannot answer.
    """
    model = _model(path)
    features = inputs_of(model)
    if picture:
        inputs = from_picture(features, model.metadata, Path(body).read_bytes(), background)
    else:
        inputs = from_json(features, value_of(Path(body), "json"))
    with _as_a_sentence(NeighborsError, "the model cannot answer"):
        answers = answer(model, inputs)
    result = prediction(answers, dataset_labels, top)
    return Answer(None, json.dumps(result, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode())


def evaluate_model(
    *,
    path: str,
    arrays: str,
    manifest: Mapping[str, Any],
    dataset: Mapping[str, Any],
    part: Part,
    own: Mapping[str, Any] | None,
    trained: Sequence[Mapping[str, Any]],
    most: int | None,
    trained_labels: Sequence[str] | None,
) -> object:
    """How good the model is, as an `Evaluation` in JSON, and how many of the measured rows are training rows.

    Args:
        path: The `.mlmodel`.
        arrays: The dataset's stored arrays.
        manifest: The dataset's, as stored, with the split alone that is to be evaluated.
        dataset: A `DatasetSource` whose split to train on is that one.
        part: Which rows of the split.
        own: `TrainingRows` of the job, on this split; only `all` of the rows can be measured without.
        trained: `TrainingRows` of every training that took rows of this split.
        most: At most so many examples.
        trained_labels: The labels of the dataset that the model was trained on, by the model's number.

    Raises:
        FaultyDocumentError: The dataset does not fit the model. Pointers are those of a job's `dataset`.
        PippinError: The model cannot be evaluated.
    """
    model = _model(path)
    known, source = StoredManifest.model_validate(manifest), DatasetSource.model_validate(dataset)
    trainable = trainable_of(model)
    if trainable.classes is not None and trainable.labels is None and trained_labels is not None:
        # Another dataset may list the same classes in another order, or some of them.
        trainable = trainable.model_copy(update={"labels": tuple(trained_labels)})
    resolved = bind(known, trainable, source)
    examples = examples_of(resolved, known, trainable, open_arrays(Path(arrays)), source.train)
    rows = np.arange(examples.count, dtype=np.intp)
    if own is not None and part != "all":
        division = TrainingRows.model_validate(own)
        rows = division.held_out(examples.count) if part == "held_out" else division.trained_on(examples.count)
    rows = spread(rows, most)
    seen = _is_training_row([TrainingRows.model_validate(each) for each in trained], examples.count)
    with _as_a_sentence(NeighborsError, "the model cannot be evaluated"):
        names = known.labels_of(resolved.bind[trainable.target])
        if trainable.label_type is None and trained_labels is not None:
            names = list(trained_labels)
        evaluation = evaluate(model, examples, dataset_labels=names, rows=rows)
    return {"evaluation": evaluation.model_dump(mode="json"), "seen": int(seen[rows].sum())}


def _is_training_row(trainings: Sequence[TrainingRows], count: int) -> NDArray[np.bool_]:
    """[count] whether any of the trainings took a row."""
    seen = np.zeros(count, dtype=np.bool_)
    for training in trainings:
        seen[training.trained_on(count)] = True
    return seen


def _model(path: str) -> AnyModel:
    with _as_a_sentence(FaultyDocumentError, "the trained model cannot be read"):
        return open_model(Path(path).read_bytes())


@contextmanager
def _as_a_sentence(kind: type[FaultyDocumentError], what: str) -> Iterator[None]:
    """Tells faults that are no faults of the request as what they are: their pointers lead into something else."""
    try:
        yield
    except kind as error:
        raise PippinError(f"{what}: {error}") from error
