"""`pippin checkpoints` and `pippin checkpoints download`."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from pippin.cli import arguments, figures, output
from pippin.cli.arguments import JobId
from pippin.cli.errors import not_written
from pippin.cli.tables import Column


class _ListByDefault(TyperGroup):
    """`pippin checkpoints ID` is short for `pippin checkpoints list ID`."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:  # noqa: ANN401 - typer does not export these types
        """The command in the arguments; `list` if they name no command."""
        named = bool(args) and args[0] in self.commands
        return super().resolve_command(ctx, args if named else ["list", *args])


commands = typer.Typer(
    cls=_ListByDefault,
    help="List a job's checkpoints, and download their models. `pippin checkpoints ID` lists them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@commands.command("list")
def list_checkpoints(job_id: JobId, json_: output.JsonFlag = False) -> None:
    """List the epochs of which a job keeps a checkpoint. The word `list` may be left out."""
    from pippin.client import Client

    with Client() as client:
        checkpoints = client.checkpoints(arguments.job_id(client, job_id))
    if json_:
        output.print_json([checkpoint.model_dump(mode="json") for checkpoint in checkpoints])
    elif checkpoints:
        output.table(
            [
                Column("EPOCH", "number"),
                Column("ENGINE"),
                Column("LOSS", "number"),
                Column("ACCURACY", "number"),
                Column("SIZE", "number"),
                Column("CREATED", drop=1),
            ],
            [
                (
                    f"{checkpoint.epoch:,}",
                    checkpoint.engine,
                    figures.loss(checkpoint.metrics),
                    figures.percentage(checkpoint.metrics.validation_accuracy if checkpoint.metrics else None),
                    figures.size(checkpoint.bytes),
                    figures.ago(checkpoint.created_at),
                )
                for checkpoint in checkpoints
            ],
        )
    elif output.stdout().is_terminal:
        output.print_text("No checkpoints. A job writes one at the end of an epoch, and when it is paused.")


@commands.command()
def download(
    job_id: JobId,
    epoch: Annotated[int, typer.Argument(metavar="EPOCH", min=0, help="An epoch that `pippin checkpoints ID` lists.")],
    to: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write, or a folder for it.")
    ] = Path(),
    json_: output.JsonFlag = False,
) -> None:
    """Download a job's model as it was at the end of an epoch.

    The file is checked against its digest; an incomplete one is removed.
    """
    from pippin.client import Client

    with Client() as client:
        try:
            path = client.download_checkpoint(arguments.job_id(client, job_id), epoch, to)
        except OSError as error:
            raise not_written(error, to) from error
    output.print_download(path, json_=json_)
