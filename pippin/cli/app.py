"""The root command, with all subcommands."""

import sys
from typing import Annotated

import typer

from pippin.cli import (
    backup,
    blobs,
    checkpoints,
    curves,
    datasets,
    demo,
    export,
    following,
    jobs,
    models,
    new,
    opening,
    predictions,
    running,
    tokens,
    top,
    validate,
    workers,
)
from pippin.cli.doctor import command as doctor
from pippin.cli.errors import Commands
from pippin.cli.streams import checked_stdout, drop_unwritten_errors

_EXIT_CODES = (
    "Exit codes: 0 done; 1 the job failed or was cancelled, the doctor found a fault, or the output cannot be written; "
    "2 the command cannot be run as typed; 3 refused by the service, or a faulty file; 4 the service cannot be reached."
)

app = typer.Typer(
    name="pippin",
    cls=Commands,
    help="Train Core ML models as a service: submit a job, follow its epochs, download the trained .mlmodel.",
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"]},
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command()(running.up)
app.command()(running.serve)
app.command()(running.worker)
app.command()(demo.demo)
app.command()(new.new)
app.command()(jobs.submit)
app.add_typer(jobs.commands, name="jobs")
app.command()(jobs.job)
app.command()(following.metrics)
app.command()(curves.plot)
app.command()(top.top)
app.command("open")(opening.open_dashboard)
app.command()(jobs.cancel)
app.command()(jobs.pause)
app.command()(jobs.resume)
app.command()(jobs.retry)
app.command()(jobs.download)
app.command()(export.export)
app.add_typer(checkpoints.commands, name="checkpoints")
app.command()(predictions.predict)
app.command()(predictions.evaluate)
app.add_typer(datasets.commands, name="datasets")
app.add_typer(models.commands, name="models")
app.add_typer(tokens.commands, name="tokens")
app.add_typer(workers.commands, name="workers")
app.add_typer(blobs.commands, name="blobs")
app.command()(backup.backup)
app.command()(backup.restore)
app.command()(validate.validate)
app.command()(doctor.doctor)
app.command()(running.parity)


def _print_version(is_set: bool) -> None:
    if is_set:
        from importlib.metadata import version

        typer.echo(f"pippin {version('pippin')}")
        raise typer.Exit


@app.callback()
def options(
    _: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The options before every command."""


def main() -> None:
    """The `pippin` command."""
    sys.stdout = checked_stdout()
    try:
        app()
    finally:
        # Flush what is still buffered; an error while Python shuts down would print a traceback.
        try:
            sys.stdout.flush()
        finally:
            drop_unwritten_errors()
