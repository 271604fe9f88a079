"""`pippin validate`: checks a model here, without a service."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pippin.cli import describing, documents, errors, output
from pippin.cli.errors import CommandError, Exit

if TYPE_CHECKING:
    from pippin.models.record import Description, Inspection


def validate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="A job, a spec or a SwiftCoreMLTools document, YAML or JSON, or - for stdin; or an .mlmodel.",
        ),
    ],
    json_: output.JsonFlag = False,
) -> None:
    """Check a model or a job, without submitting anything.

    Shows every fault, in a document with its line, or the layers with their shapes and what may go wrong. A model needs
    no service; a job is checked by the service at PIPPIN_URL, and without its dataset where none answers.
    """
    if documents.is_document(file):
        _validate_document(file, json_=json_)
    else:
        _validate_file(file, json_=json_)


def _validate_document(file: str, *, json_: bool) -> None:
    from pippin.documents.recognition import is_job
    from pippin.models.documents import read_document

    document = documents.load(file)
    if is_job(document.value):
        _validate_job(document, json_=json_)
        return
    with document.located(f"{document.name} is not a model that can be trained."):
        summary = read_document(document.value).summary()
    if json_:
        output.print_json(summary.model_dump(mode="json"))
        return
    describing.show(summary)
    for finding in summary.findings:
        describing.warn(finding, document.where(finding.pointer))
    _print_result(document.name, summary)


def _validate_job(document: documents.Document, *, json_: bool) -> None:
    with document.located(f"{document.name} is not a job that can be submitted."):
        model, unchecked = _check(document.value)
    if json_:
        output.print_json({"model": model and model.model_dump(mode="json"), "unchecked": unchecked})
        return
    if model is not None:
        describing.show(model)
    if unchecked:
        output.print_text(f"Not checked: {unchecked}.", style="yellow")
    output.print_text(f"{document.name} is a job that can be submitted.", style="green")


def _check(job: dict[str, Any]) -> tuple["Description | None", str | None]:
    """Check a job; return its model, if it is available, and the reason for and the names of the unchecked parts."""
    from pippin.client import Client, ServiceError, ServiceUnreachable
    from pippin.jobs.draft import check_offline
    from pippin.models.spec.summary import summary

    try:
        with Client(patience=0) as client:
            return client.validate_job(job), None
    except ServiceUnreachable as error:
        why = f"no service responds at {error.url}"
    except ServiceError as error:
        # An earlier version of the service does not check jobs at this endpoint.
        if error.faults:
            raise
        why = f"the service refuses it: {error}"
    resolved = check_offline(job)
    what = "the dataset" if resolved is not None else "the model, the hyperparameters and the dataset"
    return None if resolved is None else summary(resolved), f"{what} ({why})"


def _validate_file(file: str, *, json_: bool) -> None:
    inspection = _inspect(file)
    if json_:
        output.print_json(inspection.model.model_dump(mode="json"))
        return
    describing.show(inspection.model)
    for finding in inspection.findings:
        describing.warn(finding)
    _print_result(file, inspection.model)


def _inspect(file: str) -> "Inspection":
    from pippin.errors import FaultyDocumentError
    from pippin.models.inspection import inspect

    try:
        return inspect(Path(file).read_bytes(), Path(file).name)
    except OSError as error:
        raise CommandError(Exit.USAGE, f"{file} cannot be read: {error.strerror}.") from error
    except FaultyDocumentError as error:
        what = f"{file} is not a model that can be trained."
        raise CommandError(Exit.REFUSED, what, errors.sentences(error.faults)) from error


def _print_result(name: str, model: "Description") -> None:
    output.print_text(f"{name} can be trained: {describing.size(model)}.", style="green")
