"""`pippin models add`, `list`, `show`, `export`, `download` and `delete`."""

import enum
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import arguments, describing, documents, figures, output
from pippin.cli.arguments import ModelId
from pippin.cli.errors import CommandError, Exit, not_written
from pippin.cli.tables import Column

if TYPE_CHECKING:
    from pippin.client import Client
    from pippin.models.record import ModelRecord

commands = typer.Typer(help="Upload, list, export and delete models.", no_args_is_help=True, rich_markup_mode=None)


class Form(enum.StrEnum):
    """The languages that describe a model."""

    SPEC = "spec"
    SWIFTCOREMLTOOLS = "swiftcoremltools"


@commands.command()
def add(
    file: Annotated[str, typer.Argument(metavar="FILE", help="An .mlmodel; or a document in .json or .yaml, or -.")],
    name: Annotated[str | None, typer.Option(help="Name of the model, usable in place of its id.")] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Upload a model: an updatable .mlmodel, a spec, or a SwiftCoreMLTools document."""
    from pippin.client import Client

    with Client() as client:
        record, document = _add(client, file, name)
    if json_:
        output.print_json(record.model_dump(mode="json"))
        return
    output.print_text(
        f"{record.id}: {record.name or 'no name'}, {describing.size(record.model)}, {figures.size(record.bytes)}."
    )
    for finding in record.findings:
        where = document.where(finding.pointer) if document else ""
        describing.warn(finding, where)


@commands.command("list")
def list_models(json_: output.JsonFlag = False) -> None:
    """List the models that were uploaded."""
    from pippin.client import Client

    with Client() as client:
        models = list(client.models())
    if json_:
        output.print_json([record.model_dump(mode="json") for record in models])
    elif models:
        output.table(
            [
                Column("NAME", "name", min_width=14),
                Column("ID", "id"),
                Column("KIND", drop=2),
                Column("CONTENT", "name"),
                Column("SIZE", "number"),
                Column("CREATED", drop=1),
            ],
            [
                (
                    record.name or "-",
                    record.id,
                    record.model.kind.replace("_", " "),
                    describing.size(record.model),
                    figures.size(record.bytes),
                    figures.ago(record.created_at),
                )
                for record in models
            ],
        )
    elif output.stdout().is_terminal:
        output.print_text("No models. `pippin models add FILE` uploads one.")


@commands.command()
def show(model_id: ModelId, json_: output.JsonFlag = False) -> None:
    """Show one model: what it holds, what a job may choose, and what may go wrong with it."""
    from pippin.client import Client

    with Client() as client:
        record = client.model(arguments.model_id(client, model_id))
    if json_:
        output.print_json(record.model_dump(mode="json"))
    else:
        _show(record)


@commands.command()
def export(
    model_id: ModelId,
    form: Annotated[Form, typer.Option("--as", help="The language. A spec has no weights.")] = Form.SPEC,
    to: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="The file to write. [default: stdout]")
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Write a model as a document, in JSON."""
    from pippin.client import Client

    with Client() as client:
        document = client.model_spec(
            arguments.model_id(client, model_id), "pippin" if form is Form.SPEC else "swiftcoremltools"
        )
    if to is None:
        output.print_json(document)
        return
    try:
        to.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise not_written(error, to) from error
    output.print_download(to, json_=json_)


@commands.command()
def download(
    model_id: ModelId,
    to: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write, or a folder for it.")
    ] = Path(),
    json_: output.JsonFlag = False,
) -> None:
    """Download a model's .mlmodel, checked against its digest."""
    from pippin.client import Client

    with Client() as client:
        try:
            path = client.download_model_file(arguments.model_id(client, model_id), to)
        except OSError as error:
            raise not_written(error, to) from error
    output.print_download(path, json_=json_)


@commands.command()
def delete(model_id: ModelId, json_: output.JsonFlag = False) -> None:
    """Delete a model. Jobs that were submitted with it keep what they need."""
    from pippin.client import Client

    with Client() as client:
        full_id = arguments.model_id(client, model_id)
        client.delete_model(full_id)
    if json_:
        output.print_json({"deleted": full_id})
    else:
        output.print_text(f"Deleted {full_id}.")


def _add(client: "Client", file: str, name: str | None) -> "tuple[ModelRecord, documents.Document | None]":
    """Upload the model; return its record, and the document if the file is one."""
    if Path(file).is_dir():
        from pippin.documents.file_kinds import kind_of_folder

        kind = kind_of_folder(Path(file))
        raise CommandError(Exit.USAGE, f"{file} {kind.as_model() if kind else 'is a folder; give a file'}.")
    if not documents.is_document(file):
        try:
            return client.add_model(file, name=name), None
        except OSError as error:
            raise CommandError(Exit.USAGE, f"{file} cannot be read: {error.strerror}.") from error
    document = documents.load(file)
    with document.located("The model was refused."):
        return client.add_model(document.value, name=name), document


def _show(record: "ModelRecord") -> None:
    model = record.model
    lines = {
        "name": record.name,
        "uploaded as": record.source,
        "kind": model.kind.replace("_", " "),
        "size": figures.size(record.bytes),
        "inputs": describing.features(model.inputs),
        "outputs": describing.features(model.outputs),
        "trained on": describing.features(model.training_inputs),
        "created": figures.moment_text(record.created_at),
    }
    trained = model.last if model.kind == "pipeline" else model
    if trained.kind != "nearest_neighbors":
        lines |= {"loss": trained.loss, "optimizer": trained.optimizer}
        lines |= {name: describing.parameter(parameter) for name, parameter in trained.hyperparameters.items()}
    output.print_text(record.id, style="bold")
    for name, value in lines.items():
        if value:
            output.field(name, value, 16)
    describing.show(model)
    for finding in record.findings:
        describing.warn(finding)
