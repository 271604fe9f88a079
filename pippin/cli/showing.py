"""Prints a job: its request, its progress and its results."""

from typing import TYPE_CHECKING

from pippin.cli import figures, following, output

if TYPE_CHECKING:
    from pippin.api.checkpoints import Resumption, StoredCheckpoint
    from pippin.api.jobs import Attempt, Job
    from pippin.client import Client

NO_VALIDATION = "none: only the training loss is measured (set dataset.validation_fraction to hold out examples)"


def examples_of(client: "Client", job: "Job") -> dict[str, int]:
    """The number of examples of each split of a job's dataset; empty if the dataset has been deleted."""
    from pippin.client import ServiceError

    try:
        return {split.name: split.examples for split in client.dataset(job.request.dataset.id).splits}
    except ServiceError as error:
        if error.status != 404:
            raise
        return {}


def show(job: "Job", examples: dict[str, int]) -> None:
    """Print a job on stdout.

    Args:
        job: The job.
        examples: The number of examples in each split of the job's dataset; empty if the dataset has been deleted.
    """
    request = job.request
    training = request.hyperparameters.model_dump(exclude_none=True)
    lines = {
        "name": job.name,
        "status": f"{job.status}: {job.reason.detail}" if job.reason else job.status,
        "waiting for": job.waiting_for,
        "notice": job.notice,
        "engine": request.engine
        if job.engine in {None, request.engine}
        else f"{job.engine} ({request.engine} was requested)",
        "compute on": "" if request.compute_units == "all" else request.compute_units,
        "model": request.model.preset
        or request.model.name
        or request.model.id
        or request.model.job
        or "a spec in the request",
        "dataset": f"{request.dataset.name or request.dataset.id}, split {request.dataset.train}"
        + _count_text(examples.get(request.dataset.train)),
        "validation": _validation(job, examples),
        "training": ", ".join(f"{name} {figures.exact(value)}" for name, value in training.items()),
        "labels": ", ".join(f"{key}={value}" for key, value in job.labels.items()),
        "created": figures.moment_text(job.created_at),
        "started": figures.moment_text(job.started_at),
        "finished": figures.moment_text(job.finished_at),
        "took": _duration(job),
        "progress": f"epoch {job.progress.epoch:,} of {job.progress.epochs:,}",
        "latest": job.latest_metrics and following.sentence(job.latest_metrics),
        "retry of": job.retry_of,
        "checkpoint": job.checkpoint and f"{place(job.checkpoint)} ({figures.size(job.checkpoint.bytes)})",
        "attempts": "; ".join(_attempt_text(attempt) for attempt in job.attempts),
        "models": ", ".join(f"{artifact.variant} ({figures.size(artifact.bytes)})" for artifact in job.artifacts),
    }
    output.print_text(job.id, style="bold")
    for name, value in lines.items():
        if value:
            output.field(name, value)


def place(where: "StoredCheckpoint | Resumption") -> str:
    """A position in a training, between two mini-batches, as text."""
    return f"epoch {where.epoch:,}" + (f" and {figures.counted(where.step, 'mini-batch', 'es')}" if where.step else "")


def is_without_validation(job: "Job") -> bool:
    """Whether a job has no validation: only the training examples are measured."""
    dataset = job.request.dataset
    return dataset.validation is None and dataset.validation_fraction is None


def _validation(job: "Job", examples: dict[str, int]) -> str:
    dataset = job.request.dataset
    if dataset.validation_fraction is not None:
        from pippin.api.datasets import held_out_count

        count = examples.get(dataset.train)
        held = (
            "" if count is None else f" ({held_out_count(count, dataset.validation_fraction):,} of {count:,} examples)"
        )
        return f"{figures.share(dataset.validation_fraction)} of {dataset.train}, held out from the training{held}"
    if dataset.validation is not None:
        return f"split {dataset.validation}{_count_text(examples.get(dataset.validation))}"
    return NO_VALIDATION


def _count_text(examples: int | None) -> str:
    return "" if examples is None else f" ({figures.counted(examples, 'example')})"


def _duration(job: "Job") -> str:
    if job.started_at is None or job.finished_at is None:
        return ""
    return figures.duration((job.finished_at - job.started_at).total_seconds())


def _attempt_text(attempt: "Attempt") -> str:
    text = f"{attempt.number}: {attempt.status.replace('_', ' ')} on {attempt.worker}"
    if attempt.resumed_from:
        text += f", resumed from {place(attempt.resumed_from)}"
        text += f" ({attempt.resumed_from.notice.removesuffix('.')})" if attempt.resumed_from.notice else ""
    return text
