"""`pippin export`."""

import enum
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pippin.cli import arguments, figures, output
from pippin.cli.arguments import JobId
from pippin.cli.errors import not_written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pippin.api.jobs import Job
    from pippin.api.metrics import EpochMetrics
    from pippin.client import Client


class Target(enum.StrEnum):
    """The formats of an export."""

    TENSORBOARD = "tensorboard"
    MLFLOW = "mlflow"
    CSV = "csv"


def export(
    job_id: JobId,
    to: Annotated[Target, typer.Option(help="The format.")],
    where: Annotated[
        str | None,
        typer.Option(
            "-o",
            "--output",
            metavar="WHERE",
            help="CSV: a file, else stdout. TensorBoard: a folder, else runs. MLflow: a folder or the URI of a server "
            "or database.  [MLFLOW_TRACKING_URI, else mlruns]",
        ),
    ] = None,
    json_: output.JsonFlag = False,
) -> None:
    """Export a job's epochs to TensorBoard, MLflow or CSV.

    To MLflow, it also exports the trained model.
    """
    from pippin.client import Client

    try:
        with Client() as client:
            job = client.job(arguments.job_id(client, job_id))
            epochs = client.metrics(job.id).data
            match to:
                case Target.CSV:
                    _to_csv(where, epochs, json_=json_)
                case Target.TENSORBOARD:
                    _to_tensorboard(Path(where or "runs"), job, epochs, json_=json_)
                case Target.MLFLOW:
                    target = where or os.environ.get("MLFLOW_TRACKING_URI") or "mlruns"
                    _to_mlflow(target, job, epochs, client, json_=json_)
    except OSError as error:
        raise not_written(error, where) from error


def _to_csv(where: str | None, epochs: "Sequence[EpochMetrics]", *, json_: bool) -> None:
    from pippin.cli.exporters import write_csv

    if where is None or where == "-":
        if json_:
            output.print_json([epoch.model_dump(mode="json") for epoch in epochs])
        else:
            write_csv(sys.stdout, epochs)
        return
    with Path(where).open("w", encoding="utf-8", newline="") as file:
        write_csv(file, epochs)
    output.print_download(Path(where), json_=json_)


def _to_tensorboard(folder: Path, job: "Job", epochs: "Sequence[EpochMetrics]", *, json_: bool) -> None:
    from pippin.cli.exporters import write_event_files

    written = write_event_files(folder, job, epochs)
    if json_:
        output.print_json({"path": str(written), "epochs": len(epochs)})
    else:
        output.print_text(
            f"{written} ({figures.counted(len(epochs), 'epoch')}). View it with: tensorboard --logdir {folder}"
        )


def _to_mlflow(target: str, job: "Job", epochs: "Sequence[EpochMetrics]", client: "Client", *, json_: bool) -> None:
    from pippin.cli.exporters import log_run
    from pippin.client.job_view import dashboard_url

    with tempfile.TemporaryDirectory(prefix="pippin-") as folder:
        has_trained = any(artifact.variant == "trained" for artifact in job.artifacts)
        model = client.download(job.id, folder) if has_trained else None
        logged = log_run(target, job, epochs, dashboard_url(client.url, job.id), model)
    if json_:
        output.print_json(logged._asdict() | {"epochs": len(epochs), "model": model.name if model else None})
    else:
        counted = f"{figures.counted(len(epochs), 'epoch')}{f', {model.name}' if model else ''}"
        output.print_text(f"Run {logged.run} of experiment {logged.experiment} at {logged.uri} ({counted}).")
