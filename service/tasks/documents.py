"""Reads documents that describe models: in the spec language or as SwiftCoreMLTools writes them, in JSON or YAML."""

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from pippin.api.requests import ModelSource
from pippin.documents import strict_json, yaml12
from pippin.documents.errors import MalformedDocumentError
from pippin.documents.recognition import is_job
from pippin.errors import FaultyDocumentError
from pippin.jobs.draft import written
from pippin.models.documents import read_document
from pippin.models.mlmodel import build
from pippin.models.record import Inspection
from pippin.models.spec.summary import summary
from pippin.models.trainable import trainable_network
from service.tasks.describing import described


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
    found = read_document(value_of(Path(path), language))
    inspection = Inspection(
        model=summary(found.resolved), findings=list(found.findings), trainable=trainable_network(found.resolved)
    )
    told = described(inspection)
    Path(to).write_bytes(build(found.resolved))
    return {"source": found.source, "inspection": told}


def validate_document(path: str, language: str, most_bytes: int) -> object:
    """What the document at `path` describes.

    Returns:
        `{"model": a SpecSummary in JSON}`; for a job, `{"job": the document, "model": its model, or null where the job
        names one that is stored, or has faults}`.

    Raises:
        MalformedDocumentError, FaultyDocumentError: As `build_model` does; also when training it takes more memory
            than `most_bytes`. The faults of a job are left to who knows the datasets.
    """
    document = value_of(Path(path), language)
    if is_job(document):
        return {"job": document, "model": _model_of(document)}
    found = read_document(document)
    found.check_memory(most_bytes)
    return {"model": described(found.summary())}


def _model_of(job: dict[str, Any]) -> object:
    """The summary of the model that a job describes; None where there is none to be described."""
    try:
        source = ModelSource.model_validate(job["model"])
        resolved = written(source)
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
