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
        path: A file.
        language: `json` or `yaml`.
        to: Another file, which need not be there.

    Returns:
        `{"source": "spec" or "swiftcoremltools", "inspection": an Inspection}`.

    Raises:
        MalformedDocumentError: The file is no document.
        FaultyDocumentError: The document describes no model; it carries every reason.
    """
    model = read_document(value_of(Path(path), language))
    inspection = Inspection(
        model=summary(model.resolved), findings=list(model.findings), trainable=trainable_network(model.resolved)
    )
    description = described(inspection)
    Path(to).write_bytes(build(model.resolved))
    return {"source": model.source, "inspection": description}


def validate_document(path: str, language: str, most_bytes: int) -> object:
    """What the document at `path` describes.

    Returns:
        `{"model": a SpecSummary in JSON}`; for a job, `{"job": the document, "model": its model, or null where the job
        names one that is stored, or has faults}`.

    Raises:
        MalformedDocumentError, FaultyDocumentError: As `build_model` does; also when training it takes more memory
            than `most_bytes`. The faults of a job are left to the process that has the datasets.
    """
    document = value_of(Path(path), language)
    if is_job(document):
        return {"job": document, "model": _model_of(document)}
    model = read_document(document)
    model.check_memory(most_bytes)
    return {"model": described(model.summary())}


def _model_of(job: dict[str, Any]) -> object:
    """The summary of the model that a job describes; None where there is none to be described."""
    try:
        source = ModelSource.model_validate(job["model"])
        resolved = described_model(source)
    except (ValidationError, FaultyDocumentError):
        return None
    return None if resolved is None else described(summary(resolved))


def value_of(path: Path, language: str) -> Any:  # noqa: ANN401 (any JSON value)
    """The value that the file at `path` holds in JSON or YAML.

    Raises:
        MalformedDocumentError: It holds none.
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
    """What the `.mlmodel` at `path` holds, as an `Inspection` in JSON.

    Raises:
        FaultyDocumentError: It holds no model that can be trained; it carries every reason.
    """
    return described(inspect(Path(path).read_bytes(), name))


def export_model(path: str, form: str, to: str) -> object:
    """Write the network in the `.mlmodel` at `path` as a document to `to`: with weights it may be large.

    Args:
        path: A file.
        form: `pippin`, the spec language, without weights; or `swiftcoremltools`, with them, since that library reads
            no network that has none.
        to: Another file, which need not be there.

    Raises:
        FaultyDocumentError: The language cannot say it; it carries every reason.
    """
    model = open_model(Path(path).read_bytes())
    if not isinstance(model, Model):
        raise ModelFileError("found a model that is no single network; nothing but the file describes it whole")
    document = model.resolved.spec.document()
    if form == "swiftcoremltools":
        document = to_swift(document, model.weights)
    with Path(to).open("w", encoding="utf-8") as file:
        # In parts: the text as a whole would take as much memory again.
        file.writelines(json.JSONEncoder(ensure_ascii=False, allow_nan=False).iterencode(document))
    return None


def checkpoint_model(path: str, checkpoint: str, to: str) -> object:
    """Write the model as it stood at a checkpoint to `to`.

    Args:
        path: The `.mlmodel` before the training.
        checkpoint: The checkpoint's file.
        to: Another file, which need not be there.

    Raises:
        CheckpointError: The checkpoint is none, or damaged.
        ModelFileError: It is of another model.
    """
    saved = read_checkpoint(Path(checkpoint).read_bytes())
    Path(to).write_bytes(with_learned(Path(path).read_bytes(), saved.weights))
    return None


MOST_BYTES = 4 * 2**20
"""As JSON. It is kept in Redis, and a page of models holds up to a hundred; the largest network that Apple offers needs
a twentieth of it. A file of a few megabytes can ask for a hundred times as much."""


def described(description: Inspection | SpecSummary) -> object:
    """What a model is, in JSON.

    Raises:
        ModelFileError: It is larger than a record may be.
    """
    size = len(description.model_dump_json())
    if size > MOST_BYTES:
        raise ModelFileError(
            f"its layers, features and labels take {size:,} bytes to describe; needs at most {MOST_BYTES:,}"
        )
    return description.model_dump(mode="json")
