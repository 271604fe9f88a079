"""`pippin validate`: checks a model here, without a service."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import describing, documents, output
from pippin.cli.exits import Exit, ToldError

if TYPE_CHECKING:
    from pippin.models.record import Description, Inspection


def validate(
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE", help="A spec or SwiftCoreMLTools document, YAML or JSON, or - ; or an .mlmodel."
        ),
    ],
    json_: output.JsonFlag = False,
) -> None:
    """Check a model, without a service.

    Shows every fault, in a document with its line, or the layers with their shapes and what may go wrong.
    """
    if documents.is_document(file):
        _validate_document(file, json_=json_)
    else:
        _validate_file(file, json_=json_)


def _validate_document(file: str, *, json_: bool) -> None:
    from pippin.models.documents import read_document

    document = documents.load(file)
    with document.located(f"{document.name} is not a model that can be trained."):
        found = read_document(document.value).summary()
    if json_:
        output.print_json(found.model_dump(mode="json"))
        return
    describing.show(found)
    for finding in found.findings:
        describing.warn(finding, document.where(finding.pointer))
    _conclude(document.name, found)


def _validate_file(file: str, *, json_: bool) -> None:
    found = _inspected(file)
    if json_:
        output.print_json(found.model.model_dump(mode="json"))
        return
    describing.show(found.model)
    for finding in found.findings:
        describing.warn(finding)
    _conclude(file, found.model)


def _inspected(file: str) -> "Inspection":
    from pippin.faults import FaultyDocumentError
    from pippin.models.inspection import inspect

    try:
        return inspect(Path(file).read_bytes(), Path(file).name)
    except OSError as error:
        raise ToldError(Exit.USAGE, f"{file} cannot be read: {error.strerror}.") from error
    except FaultyDocumentError as error:
        what = f"{file} is not a model that can be trained."
        raise ToldError(
            Exit.REFUSED, what, [f"{f.pointer}: {f.detail}".removeprefix(": ") for f in error.faults]
        ) from error


def _conclude(name: str, model: "Description") -> None:
    output.say(f"{name} can be trained: {describing.size(model)}.", style="green")
