"""Asks a trained model, and measures it. A layer may make more numbers than a machine has room for."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pippin.datasets.arrays import open_arrays
from pippin.datasets.binding import bind
from pippin.datasets.examples import examples_of
from pippin.datasets.manifest import StoredManifest
from pippin.faults import FaultyDocumentError, PippinError
from pippin.jobs.request import DatasetSource
from pippin.mlmodel import AnyModel, open_model
from pippin.models.inspection import trainable_of
from pippin.neighbors import NeighborsError
from pippin.predictions.answers import answer, inputs_of
from pippin.predictions.documents import prediction
from pippin.predictions.evaluation import evaluate
from pippin.predictions.inputs import from_json
from pippin.predictions.pictures import from_picture
from service.sandbox.wire import Answer
from service.tasks.documents import value_of


def predict(
    path: str, body: str, *, picture: bool, dataset_labels: Sequence[str] | None, top: int, background: str | None
) -> Answer:
    """What the model answers, as the JSON of a `Prediction` in the attachment, which nobody has to read again.

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
    found = prediction(answers, dataset_labels, top)
    return Answer(None, json.dumps(found, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode())


def evaluate_model(
    path: str, arrays: str, manifest: Mapping[str, Any], dataset: Mapping[str, Any], most: int | None
) -> object:
    """How good the model is, as an `Evaluation` in JSON.

    Args:
        path: The `.mlmodel`.
        arrays: The dataset's stored arrays.
        manifest: The dataset's, as stored, with the split alone that is to be evaluated.
        dataset: A `DatasetSource` whose split to train on is that one.
        most: At most so many examples.

    Raises:
        FaultyDocumentError: The dataset does not fit the model. Pointers are those of a job's `dataset`.
        PippinError: The model cannot be evaluated.
    """
    model = _model(path)
    known, source = StoredManifest.model_validate(manifest), DatasetSource.model_validate(dataset)
    trainable = trainable_of(model)
    resolved = bind(known, trainable, source)
    examples = examples_of(resolved, known, trainable, open_arrays(Path(arrays)), source.train)
    with _as_a_sentence(NeighborsError, "the model cannot be evaluated"):
        return evaluate(model, examples, dataset_labels=known.labels, most=most).model_dump(mode="json")


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
