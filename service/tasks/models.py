"""Tasks on model files and on documents that describe models: inspect, build, validate, export."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pippin.api.requests import ModelSource
from pippin.documents import strict_json, yaml12
from pippin.documents.errors import MalformedDocumentError
from pippin.documents.recognition import is_job
from pippin.errors import FaultyDocumentError
from pippin.jobs.checkpoints import read_checkpoint
from pippin.jobs.draft import described_model
from pippin.models.documents import read_document
from pippin.models.inspection import inspect
from pippin.models.mlmodel import Model, ModelFileError, build, open_model, with_learned
from pippin.models.record import Inspection
from pippin.models.spec.summary import SpecSummary, summary
from pippin.models.swiftcoreml import to_swift
from pippin.models.trainable import trainable_network


def build_model(path: str, language: str, to: str) -> object:
    """Build the model that the document at `path` describes, and write its `.mlmodel` to `to`.

    Args:
        path: The path of the document.
        language: `json` or `yaml`.
        to: The path of the output file.

    Returns:
        `{"source": "spec" or "swiftcoremltools", "inspection": an Inspection}`.

    Raises:
        MalformedDocumentError: The file cannot be parsed.
        FaultyDocumentError: The document describes no valid model; the error has every reason.
    """
    model = read_document(value_of(Path(path), language))
    inspection = Inspection(
        model=summary(model.resolved), findings=list(model.findings), trainable=trainable_network(model.resolved)
    )
    description = described(inspection)
    Path(to).write_bytes(build(model.resolved))
    return {"source": model.source, "inspection": description}


def validate_document(path: str, language: str, max_bytes: int) -> object:
    """Validate the document at `path`.

    Returns:
        `{"model": a SpecSummary in JSON}`; for a job, `{"job": the document, "model": its model, or null when the job
        names a stored model or has faults}`.

    Raises:
        MalformedDocumentError, FaultyDocumentError: As `build_model` does; also when the training takes more memory
            than `max_bytes`. The service itself reports the faults of a job, since it has the datasets.
    """
    document = value_of(Path(path), language)
    if is_job(document):
        return {"job": document, "model": _model_of(document)}
    model = read_document(document)
    model.check_memory(max_bytes)
    return {"model": described(model.summary())}


def _model_of(job: dict[str, Any]) -> object:
    """The summary of the model that a job describes; None when it names a stored model or has faults."""
    try:
        source = ModelSource.model_validate(job["model"])
        resolved = described_model(source)
    except (ValidationError, FaultyDocumentError):
        return None
    return None if resolved is None else described(summary(resolved))


def value_of(path: Path, language: str) -> Any:  # noqa: ANN401 (any JSON value)
    """The value in the JSON or YAML file at `path`.

    Raises:
        MalformedDocumentError: The file cannot be parsed.
    """
    data = path.read_bytes()
    try:
        return strict_json.loads(data) if language == "json" else yaml12.loads(data.decode())
    except UnicodeDecodeError as error:
        raise MalformedDocumentError(f"it is not UTF-8: byte {error.start} does not fit") from error
    except MalformedDocumentError as error:
        # Only the text of an error leaves the sandbox.
        raise MalformedDocumentError(error.located) from error


def inspect_model(path: str, name: str = "") -> object:
    """Inspect the `.mlmodel` at `path`; returns an `Inspection` in JSON.

    Raises:
        FaultyDocumentError: The file holds no model that can be trained; the error has every reason.
    """
    return described(inspect(Path(path).read_bytes(), name))


def export_model(path: str, form: str, to: str) -> object:
    """Write the network in the `.mlmodel` at `path` as a document to the file `to`: with weights it may be large.

    Args:
        path: The path of the model.
        form: `pippin`, the spec language, without weights; or `swiftcoremltools`, with weights, since that library
            cannot read a network without them.
        to: The path of the output file.

    Raises:
        FaultyDocumentError: The language cannot describe the network; the error has every reason.
    """
    model = open_model(Path(path).read_bytes())
    if not isinstance(model, Model):
        raise ModelFileError("found a model that is not a single network; only the file describes it completely")
    document = model.resolved.spec.document()
    if form == "swiftcoremltools":
        document = to_swift(document, model.weights)
    with Path(to).open("w", encoding="utf-8") as file:
        # Written in parts: the text as a whole would double the memory.
        file.writelines(json.JSONEncoder(ensure_ascii=False, allow_nan=False).iterencode(document))
    return None


def checkpoint_model(path: str, checkpoint: str, to: str) -> object:
    """Write the model with the weights of a checkpoint to the file `to`.

    Args:
        path: The `.mlmodel` before the training.
        checkpoint: The path of the checkpoint.
        to: The path of the output file.

    Raises:
        CheckpointError: The file is not a checkpoint, or it is damaged.
        ModelFileError: The checkpoint belongs to another model.
    """
    saved = read_checkpoint(Path(checkpoint).read_bytes())
    Path(to).write_bytes(with_learned(Path(path).read_bytes(), saved.weights))
    return None


MAX_BYTES = 4 * 2**20
"""The limit on a model's description in JSON. Redis keeps descriptions, and a page of models holds up to a hundred. The
largest network that Apple offers needs a twentieth of it; a file of a few megabytes can need a hundred times that."""


def described(description: Inspection | SpecSummary) -> object:
    """The description of a model in JSON.

    Raises:
        ModelFileError: It is larger than `MAX_BYTES`.
    """
    size = len(description.model_dump_json())
    if size > MAX_BYTES:
        raise ModelFileError(
            f"the description of its layers, features and labels takes {size:,} bytes; needs at most {MAX_BYTES:,}"
        )
    return description.model_dump(mode="json")
