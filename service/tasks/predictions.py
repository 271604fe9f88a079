"""Tasks on trained models: predict and evaluate. A layer may produce more numbers than fit in the machine's memory."""

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
from pippin.predictions.documents import prediction
from pippin.predictions.evaluation import evaluate, spread
from pippin.predictions.inputs import from_json
from pippin.predictions.outputs import compute_outputs, inputs_of
from pippin.predictions.pictures import from_picture
from service.sandbox.messages import Answer
from service.tasks.models import value_of


def predict(
    path: str, body: str, *, picture: bool, dataset_labels: Sequence[str] | None, top: int, background: str | None
) -> Answer:
    """Compute predictions; the attachment is a `Prediction` in JSON, which the service sends without changes.

    Args:
        path: The `.mlmodel`.
        body: A file with `{"inputs": …}` in JSON, or with a picture.
        picture: Whether the body is a PNG, JPEG or PGM.
        dataset_labels: The names of the model's classes in the dataset that the model was trained on.
        top: How many of the likeliest classes to return.
        background: The color behind transparent pixels of a picture.

    Raises:
        MalformedDocumentError: The body cannot be parsed as JSON.
        PredictionError: The inputs do not fit the model; the error has every reason.
        PippinError: The model cannot compute predictions.
    """
    model = _model(path)
    features = inputs_of(model)
    if picture:
        inputs = from_picture(features, model.metadata, Path(body).read_bytes(), background)
    else:
        inputs = from_json(features, value_of(Path(body), "json"))
    with _as_a_sentence(NeighborsError, "the model cannot predict"):
        answers = compute_outputs(model, inputs)
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
    """Evaluate a model; returns an `Evaluation` in JSON and the number of measured rows that are training rows.

    Args:
        path: The `.mlmodel`.
        arrays: The dataset's stored arrays.
        manifest: The stored manifest of the dataset, with only the split to evaluate.
        dataset: A `DatasetSource` with this split as the training split.
        part: The part of the split's rows.
        own: `TrainingRows` of the job on this split; None allows only the part `all`.
        trained: `TrainingRows` of every training that used rows of this split.
        most: The limit on the number of examples.
        trained_labels: The labels of the dataset that the model was trained on, by the model's number.

    Raises:
        FaultyDocumentError: The dataset does not fit the model. Pointers are those of a job's `dataset`.
        PippinError: The model cannot be evaluated.
    """
    model = _model(path)
    stored_manifest, source = StoredManifest.model_validate(manifest), DatasetSource.model_validate(dataset)
    trainable = trainable_of(model)
    if trainable.classes is not None and trainable.labels is None and trained_labels is not None:
        # Another dataset may list the same classes in another order, or some of them.
        trainable = trainable.model_copy(update={"labels": tuple(trained_labels)})
    resolved = bind(stored_manifest, trainable, source)
    examples = examples_of(resolved, stored_manifest, trainable, open_arrays(Path(arrays)), source.train)
    rows = np.arange(examples.count, dtype=np.intp)
    if own is not None and part != "all":
        division = TrainingRows.model_validate(own)
        rows = division.held_out(examples.count) if part == "held_out" else division.trained_on(examples.count)
    rows = spread(rows, most)
    seen = _is_training_row([TrainingRows.model_validate(each) for each in trained], examples.count)
    with _as_a_sentence(NeighborsError, "the model cannot be evaluated"):
        names = stored_manifest.labels_of(resolved.bind[trainable.target])
        if trainable.label_type is None and trained_labels is not None:
            names = list(trained_labels)
        evaluation = evaluate(model, examples, dataset_labels=names, rows=rows)
    return {"evaluation": evaluation.model_dump(mode="json"), "seen": int(seen[rows].sum())}


def _is_training_row(trainings: Sequence[TrainingRows], count: int) -> NDArray[np.bool_]:
    """[count] Whether any of the trainings used the row."""
    seen = np.zeros(count, dtype=np.bool_)
    for training in trainings:
        seen[training.trained_on(count)] = True
    return seen


def _model(path: str) -> AnyModel:
    with _as_a_sentence(FaultyDocumentError, "the trained model cannot be read"):
        return open_model(Path(path).read_bytes())


@contextmanager
def _as_a_sentence(kind: type[FaultyDocumentError], what: str) -> Iterator[None]:
    """Report faults of the model as one sentence: their pointers would not lead into the request."""
    try:
        yield
    except kind as error:
        raise PippinError(f"{what}: {error}") from error
