"""`pippin submit`, `jobs`, `jobs delete`, `job`, `cancel`, `pause`, `resume`, `retry` and `download`."""

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.api.engines import ComputeUnits, EngineChoice
from pippin.cli import arguments, documents, figures, following, output, showing
from pippin.cli.arguments import JobId, complete_statuses
from pippin.cli.errors import CommandError, Exit, not_written
from pippin.cli.showing import place
from pippin.cli.tables import Column

if TYPE_CHECKING:
    from pippin.api.jobs import Job
    from pippin.client import Client


commands = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


class ModelVariant(enum.StrEnum):
    """The variants of a job's model."""

    TRAINED = "trained"
    INITIAL = "initial"
    INFERENCE = "inference"


def submit(
    file: Annotated[str, typer.Argument(metavar="JOB.YAML", help="The job request, YAML or JSON; - reads stdin.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show each epoch until the job ends.")] = False,
    engine: Annotated[EngineChoice | None, typer.Option(help="The engine, in place of the file's.")] = None,
    compute_units: Annotated[
        ComputeUnits | None, typer.Option(help="The compute units of Core ML, in place of the file's.")
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Submit a job.

    With --json --follow, stdout has one JSON document a line: the job, each epoch, and the job as it ended.
    """
    from pippin.client import Client

    if file != "-" and not Path(file).exists():
        raise CommandError(
            Exit.USAGE, f"There is no {file}.", now=f"Write one, with every field explained: pippin new {file}"
        )
    document = documents.load(file)
    with Client() as client, document.located("The job was refused."):
        job = client.submit(document.value | _not_none(engine=engine, compute_units=compute_units))
        if job.notice and not json_:
            # On stderr, since a script reads the id from stdout.
            output.stderr().print(f"Note: {job.notice}", soft_wrap=True)
        if json_:
            output.print_json(job.model_dump(mode="json"), indent=None if follow else 2)
        else:
            output.print_text(job.id)
            if output.stdout().is_terminal and showing.is_without_validation(job):
                output.print_text(f"Validation: {showing.NO_VALIDATION}.", style="yellow")
        if follow:
            following.follow(client, job.id, json_=json_, then=f"Download its model: pippin download {job.id}")
            return
    if not json_ and output.stdout().is_terminal:
        output.print_text(f"Follow it: pippin metrics {job.id} --follow")


@commands.callback()
def list_jobs(
    context: typer.Context,
    status: Annotated[
        str | None, typer.Option(help="Only jobs with this status.", autocompletion=complete_statuses)
    ] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only jobs with this label.")] = None,
    limit: Annotated[int, typer.Option(metavar="N", min=1, help="The maximum number of jobs.")] = 20,
    json_: output.JsonFlag = False,
) -> None:
    """List jobs, newest first, or delete one.

    A narrow terminal shows fewer columns; a pipe and --json have all of them.
    """
    if context.invoked_subcommand is not None:
        return
    from pippin.client import Client

    labels = dict(_label(text) for text in label or [])
    with Client() as client:
        jobs = list(client.jobs(status=status, labels=labels, limit=limit))
    if json_:
        output.print_json([job.model_dump(mode="json") for job in jobs])
    elif jobs:
        output.table(
            [
                Column("ID", "id"),
                Column("NAME", "name"),
                Column("STATUS"),
                Column("EPOCH", "number"),
                Column("LOSS", "number"),
                Column("ACCURACY", "number", drop=1),
                Column("CREATED", drop=2),
            ],
            [
                (
                    job.id,
                    job.name or "-",
                    output.status_text(job.status),
                    f"{job.progress.epoch:,}/{job.progress.epochs:,}",
                    figures.loss(job.latest_metrics),
                    figures.percentage(job.latest_metrics.validation_accuracy if job.latest_metrics else None),
                    figures.ago(job.created_at),
                )
                for job in jobs
            ],
        )
    elif output.stdout().is_terminal:
        output.print_text("No jobs. `pippin submit job.yaml` submits one.")


@commands.command()
def delete(job_id: JobId, json_: output.JsonFlag = False) -> None:
    """Delete a job that has ended, with its metrics, checkpoints and models."""
    from pippin.client import Client

    with Client() as client:
        full_id = arguments.job_id(client, job_id)
        client.delete(full_id)
    if json_:
        output.print_json({"deleted": full_id})
    else:
        output.print_text(f"Deleted {full_id}.")


def job(job_id: JobId, json_: output.JsonFlag = False) -> None:
    """Show one job."""
    from pippin.client import Client

    with Client() as client:
        shown_job = client.job(arguments.job_id(client, job_id))
        if json_:
            output.print_json(shown_job.model_dump(mode="json"))
        else:
            showing.show(shown_job, showing.examples_of(client, shown_job))


def cancel(job_id: JobId, json_: output.JsonFlag = False) -> None:
    """Cancel a job."""
    from pippin.client import Client

    with Client() as client:
        cancelled = client.cancel(arguments.job_id(client, job_id))
    if json_:
        output.print_json(cancelled.model_dump(mode="json"))
    else:
        output.print_text(f"{cancelled.id} is {cancelled.status}.")


def download(
    job_id: JobId,
    to: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write, or a folder for it.")
    ] = Path(),
    variant: Annotated[ModelVariant, typer.Option(help="The model to download.")] = ModelVariant.TRAINED,
    json_: output.JsonFlag = False,
) -> None:
    """Download a job's model.

    The file is checked against its digest; an incomplete one is removed.
    """
    from pippin.client import Client

    with Client() as client:
        try:
            path = client.download(arguments.job_id(client, job_id), to, variant=variant.value)
        except OSError as error:
            raise not_written(error, to) from error
    output.print_download(path, json_=json_)


def _not_none(**options: str | None) -> dict[str, str]:
    return {name: str(value) for name, value in options.items() if value is not None}


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise typer.BadParameter(f"a label is KEY=VALUE, found {text!r}", param_hint="--label")
    return key, value


Follow = Annotated[bool, typer.Option("--follow", "-f", help="Show each epoch until the job ends.")]


def pause(job_id: JobId, json_: output.JsonFlag = False) -> None:
    """Pause a job.

    A running one writes a checkpoint first, and continues from there after `pippin resume`.
    """
    from pippin.client import Client

    with Client() as client:
        paused = client.pause(arguments.job_id(client, job_id))
    if json_:
        output.print_json(paused.model_dump(mode="json"))
    else:
        output.print_text(f"{paused.id} is {paused.status}. Resume it: pippin resume {paused.id}")


def resume(job_id: JobId, follow: Follow = False, json_: output.JsonFlag = False) -> None:
    """Queue a paused job again.

    With --json --follow, stdout has one JSON document a line: the job, each epoch, and the job as it ended.
    """
    from pippin.client import Client

    with Client() as client:
        resumed = client.resume(arguments.job_id(client, job_id))
        where = f", to resume from {place(resumed.checkpoint)}" if resumed.checkpoint else ""
        _print_submitted(client, resumed, f"{resumed.id} is {resumed.status}{where}.", follow=follow, json_=json_)


def retry(
    job_id: JobId,
    from_checkpoint: Annotated[
        bool,
        typer.Option(
            "--from-checkpoint", help="Resume from its newest checkpoint instead of starting with the first epoch."
        ),
    ] = False,
    follow: Follow = False,
    json_: output.JsonFlag = False,
) -> None:
    """Retry a failed or cancelled job, as a new job.

    The new job's id is printed.

    With --json --follow, stdout has one JSON document a line: the job, each epoch, and the job as it ended.
    """
    from pippin.client import Client

    with Client() as client:
        new_job = client.retry(arguments.job_id(client, job_id), from_checkpoint=from_checkpoint)
        _print_submitted(client, new_job, new_job.id, follow=follow, json_=json_)


def _print_submitted(client: "Client", job: "Job", text: str, *, follow: bool, json_: bool) -> None:
    if json_:
        output.print_json(job.model_dump(mode="json"), indent=None if follow else 2)
    else:
        output.print_text(text)
    if follow:
        following.follow(client, job.id, json_=json_, then=f"Download its model: pippin download {job.id}")
    elif not json_ and output.stdout().is_terminal:
        output.print_text(f"Follow it: pippin metrics {job.id} --follow")
