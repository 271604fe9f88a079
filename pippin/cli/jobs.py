"""`pippin submit`, `jobs`, `job`, `cancel` and `download`."""

import enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import documents, following, output
from pippin.cli.arguments import JobId, offer_statuses
from pippin.cli.exits import Exit, ToldError
from pippin.jobs.engines import ComputeUnits, EngineChoice

if TYPE_CHECKING:
    from pippin.jobs.checkpoint import Resumption, StoredCheckpoint
    from pippin.jobs.job import Attempt, Job


class ModelVariant(enum.StrEnum):
    """Which of a job's models."""

    TRAINED = "trained"
    INITIAL = "initial"
    INFERENCE = "inference"


def submit(
    file: Annotated[str, typer.Argument(metavar="JOB.YAML", help="The job request, YAML or JSON; - reads stdin.")],
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Show each epoch until the job ends.")] = False,
    engine: Annotated[EngineChoice | None, typer.Option(help="What trains it, whatever the file says.")] = None,
    compute_units: Annotated[
        ComputeUnits | None, typer.Option(help="What Core ML computes on, whatever the file says.")
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Submit a job.

    With --json --follow, stdout has one JSON document a line: the job, each epoch, and the job as it ended.
    """
    from pippin.client import Client

    if file != "-" and not Path(file).exists():
        raise ToldError(
            Exit.USAGE, f"There is no {file}.", now=f"Write one, with every field explained: pippin new {file}"
        )
    document = documents.load(file)
    with Client() as client, document.located("The job was refused."):
        job = client.submit(document.value | _given(engine=engine, compute_units=compute_units))
        if job.notice and not json_:
            # On stderr, since a script reads the id from stdout.
            output.stderr().print(f"Note: {job.notice}", soft_wrap=True)
        if json_:
            output.print_json(job.model_dump(mode="json"), indent=None if follow else 2)
        else:
            output.say(job.id)
        if follow:
            following.follow(client, job.id, json_=json_, then=f"Its model: pippin download {job.id}")
            return
    if not json_ and output.stdout().is_terminal:
        output.say(f"Follow it: pippin metrics {job.id} --follow")


def list_jobs(
    status: Annotated[str | None, typer.Option(help="Only jobs in this state.", autocompletion=offer_statuses)] = None,
    label: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="Only jobs with this label.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 20,
    json_: output.JsonFlag = False,
) -> None:
    """List jobs, newest first."""
    from pippin.client import Client

    labels = dict(_label(text) for text in label or [])
    with Client() as client:
        found = list(client.jobs(status=status, labels=labels, limit=limit))
    if json_:
        output.print_json([job.model_dump(mode="json") for job in found])
    elif found:
        output.table(
            ["ID", "NAME", "STATUS", "EPOCH", "LOSS", "ACCURACY", "CREATED"],
            [
                (
                    job.id,
                    job.name or "-",
                    output.status_text(job.status),
                    f"{job.progress.epoch}/{job.progress.epochs}",
                    output.figure(job.latest_metrics.loss if job.latest_metrics else None),
                    output.figure(job.latest_metrics.validation_accuracy if job.latest_metrics else None),
                    output.ago(job.created_at),
                )
                for job in found
            ],
            right=["EPOCH", "LOSS", "ACCURACY"],
        )
    elif output.stdout().is_terminal:
        output.say("No jobs. `pippin submit job.yaml` makes one.")


def job(job_id: JobId, json_: output.JsonFlag = False) -> None:
    """Show one job."""
    from pippin.client import Client

    with Client() as client:
        found = client.job(job_id)
    if json_:
        output.print_json(found.model_dump(mode="json"))
    else:
        _show(found)


def cancel(job_id: JobId, json_: output.JsonFlag = False) -> None:
    """Cancel a job."""
    from pippin.client import Client

    with Client() as client:
        found = client.cancel(job_id)
    if json_:
        output.print_json(found.model_dump(mode="json"))
    else:
        output.say(f"{found.id} is {found.status}.")


def download(
    job_id: JobId,
    to: Annotated[
        Path, typer.Option("-o", "--output", metavar="FILE", help="Where to; a folder keeps its name.")
    ] = Path(),
    variant: Annotated[ModelVariant, typer.Option(help="Which of its models.")] = ModelVariant.TRAINED,
    json_: output.JsonFlag = False,
) -> None:
    """Download a job's model.

    The file is checked against its digest: it is there whole, or not at all.
    """
    from pippin.client import Client

    with Client() as client:
        try:
            path = client.download(job_id, to, variant=variant.value)
        except OSError as error:
            raise ToldError(Exit.USAGE, f"{error.filename or to} cannot be written: {error.strerror}.") from error
    output.tell_download(path, json_=json_)


def _given(**options: str | None) -> dict[str, str]:
    return {name: str(value) for name, value in options.items() if value is not None}


def _label(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not key or not equals:
        raise typer.BadParameter(f"a label is KEY=VALUE, found {text!r}", param_hint="--label")
    return key, value


def _show(job: "Job") -> None:
    asked, hyper = job.request, job.request.hyperparameters
    lines = {
        "name": job.name,
        "status": f"{job.status} ({job.reason.code}: {job.reason.detail})" if job.reason else job.status,
        "waiting for": job.waiting_for,
        "notice": job.notice,
        "engine": asked.engine if job.engine in {None, asked.engine} else f"{job.engine} ({asked.engine} was asked)",
        "compute on": "" if asked.compute_units == "all" else asked.compute_units,
        "model": asked.model.preset or asked.model.name or asked.model.id or asked.model.job or "a spec of its own",
        "dataset": f"{asked.dataset.name or asked.dataset.id}: {asked.dataset.train}"
        + (f", validated on {asked.dataset.validation}" if asked.dataset.validation else ""),
        "training": ", ".join(
            f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in hyper.model_dump(exclude_none=True).items()
        ),
        "labels": ", ".join(f"{key}={value}" for key, value in job.labels.items()),
        "created": job.created_at.isoformat(timespec="seconds"),
        "started": job.started_at and job.started_at.isoformat(timespec="seconds"),
        "finished": job.finished_at and job.finished_at.isoformat(timespec="seconds"),
        "progress": f"epoch {job.progress.epoch} of {job.progress.epochs}",
        "latest": job.latest_metrics and following.sentence(job.latest_metrics),
        "retry of": job.retry_of,
        "checkpoint": job.checkpoint and f"{place(job.checkpoint)} ({job.checkpoint.bytes:,} bytes)",
        "attempts": "; ".join(_sentence(each) for each in job.attempts),
        "models": ", ".join(f"{each.variant} ({each.bytes:,} bytes)" for each in job.artifacts),
    }
    output.say(job.id, style="bold")
    for name, value in lines.items():
        if value:
            output.say(f"  {name:<12}{value}")


def _sentence(attempt: "Attempt") -> str:
    text = f"{attempt.number}: {attempt.status} on {attempt.worker}"
    if attempt.resumed_from:
        text += f", went on from {place(attempt.resumed_from)}"
        text += f" ({attempt.resumed_from.notice.removesuffix('.')})" if attempt.resumed_from.notice else ""
    return text


def place(where: "StoredCheckpoint | Resumption") -> str:
    """A place in a training, between two mini-batches."""
    return f"epoch {where.epoch}" + (f" and {where.step} mini-batches" if where.step else "")
