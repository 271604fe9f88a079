"""Exports a job's measurements as CSV, and to TensorBoard and MLflow with their own libraries."""

import csv
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TextIO

from pippin.api.jobs import Job
from pippin.api.metrics import EpochMetrics
from pippin.api.states import Status
from pippin.errors import PippinError
from pippin.system.extras import install_command

if TYPE_CHECKING:
    from mlflow.entities import Metric


class MissingLibraryError(PippinError):
    """The library that writes an export is not installed; the message contains the command that installs it."""

    def __init__(self, library: str, extra: str) -> None:
        super().__init__(f"This needs {library}, which is not installed. Install it with: {install_command(extra)}")


class ExportError(PippinError):
    """The library failed to write an export."""


def settings_of(job: Job) -> dict[str, str | float | bool]:
    """The job's settings: its hyperparameters, its model, its dataset and the engine that trained it."""
    request = job.request
    model = request.model
    return {
        **request.hyperparameters.model_dump(exclude_none=True),
        "model": model.preset or model.name or model.id or model.job or "spec",
        "dataset": request.dataset.name or request.dataset.id,
        "engine": job.engine or request.engine,
    }


def training_of(epoch: EpochMetrics) -> Iterator[tuple[str, float]]:
    """The measurements of an epoch's training."""
    return _not_none(
        loss=epoch.loss,
        learning_rate=epoch.learning_rate,
        examples_per_second=epoch.examples_per_second,
        seconds=epoch.seconds,
    )


def validation_of(epoch: EpochMetrics) -> Iterator[tuple[str, float]]:
    """The measurements on the validation split."""
    return _not_none(loss=epoch.validation_loss, accuracy=epoch.validation_accuracy)


def _not_none(**values: float | None) -> Iterator[tuple[str, float]]:
    return ((name, value) for name, value in values.items() if value is not None)


def write_csv(file: TextIO, epochs: Iterable[EpochMetrics]) -> None:
    """Write a header and a row for each epoch; a value that was not measured is empty.

    Args:
        file: Open for text, with `newline=""`.
        epochs: Oldest first.
    """
    writer = csv.DictWriter(file, list(EpochMetrics.model_fields))
    writer.writeheader()
    for epoch in epochs:
        writer.writerow(epoch.model_dump(mode="json"))


def write_event_files(folder: Path, job: Job, epochs: Sequence[EpochMetrics]) -> Path:
    """Write a job's scalars and hyperparameters for `tensorboard --logdir FOLDER`.

    Training and validation are two runs with the same tags, as Keras writes them, so that each chart shows both curves.
    Steps are epochs from 1; wall times are those of the epochs. A second export of a job replaces nothing: TensorBoard
    reads all files of a run, so write each export to a folder of its own.

    Args:
        folder: The folder in which a folder for the job is created.
        job: The job.
        epochs: Oldest first.

    Returns:
        The job's folder.

    Raises:
        MissingLibraryError: TensorBoard is not installed.
        OSError: The folder cannot be written.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        from tensorboard.summary import Writer
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise MissingLibraryError("TensorBoard", "tensorboard") from error

    runs = folder / job.id
    for name, measured in (("train", training_of), ("validation", validation_of)):
        scalars = [(epoch, tag, value) for epoch in epochs for tag, value in measured(epoch)]
        if not scalars:
            continue
        writer = Writer(str(runs / name))
        for epoch, tag, value in scalars:
            writer.add_scalar(tag, value, epoch.epoch, wall_time=epoch.time.timestamp())
        writer.close()
    settings = EventFileWriter(str(runs))
    started = job.created_at.timestamp()
    summary = hparams_pb(settings_of(job), trial_id=job.id, start_time_secs=started)
    settings.add_event(Event(summary=summary, wall_time=started))
    settings.close()
    return runs


_EXPERIMENT = "pippin"
_MAX_METRICS = 1000  # per call, a limit of MLflow's REST API
_STATUSES = {Status.SUCCEEDED: "FINISHED", Status.FAILED: "FAILED", Status.CANCELLED: "KILLED"}


class Run(NamedTuple):
    """The place of a job in MLflow."""

    uri: str
    experiment: str
    run: str


def log_run(target: str, job: Job, epochs: Sequence[EpochMetrics], url: str, model: Path | None = None) -> Run:
    """Log a job's epochs, settings, labels, status and model as a new run of the experiment `pippin`.

    Args:
        target: A tracking server's or a database's URI, or a folder for MLflow's files.
        job: The job.
        epochs: Oldest first.
        url: The address of the job's page, logged as a tag of the run.
        model: The trained model's file, logged as an artifact in the run's folder `model`.

    Raises:
        MissingLibraryError: MLflow is not installed.
        ExportError: MLflow refused the request, or cannot be reached.
    """
    try:
        from mlflow.entities import Param, RunTag
        from mlflow.exceptions import MlflowException
        from mlflow.tracking import MlflowClient
    except ImportError as error:
        raise MissingLibraryError("MLflow", "mlflow") from error

    uri = _uri(target)
    try:
        client = MlflowClient(tracking_uri=uri)
        existing = client.get_experiment_by_name(_EXPERIMENT)
        experiment = existing.experiment_id if existing else client.create_experiment(_EXPERIMENT)
        run = client.create_run(
            experiment, start_time=_milliseconds(job.started_at or job.created_at), run_name=job.name or job.id
        )
        metrics = [metric for epoch in epochs for metric in _metrics(epoch)]
        for start in range(0, len(metrics), _MAX_METRICS):
            client.log_batch(run.info.run_id, metrics=metrics[start : start + _MAX_METRICS])
        tags = {"pippin.job": job.id, "pippin.url": url, "pippin.status": str(job.status), **job.labels}
        client.log_batch(
            run.info.run_id,
            params=[Param(name, str(value)) for name, value in settings_of(job).items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        if model:
            client.log_artifact(run.info.run_id, str(model), "model")
        if job.status in _STATUSES:
            client.set_terminated(
                run.info.run_id, _STATUSES[job.status], _milliseconds(job.finished_at or job.created_at)
            )
    except MlflowException as error:
        raise ExportError(f"MLflow at {uri} refused the job: {error}") from error
    return Run(uri, _EXPERIMENT, run.info.run_id)


def _metrics(epoch: EpochMetrics) -> "Iterator[Metric]":
    from mlflow.entities import Metric

    time = _milliseconds(epoch.time)
    for name, value in training_of(epoch):
        yield Metric(name, value, time, epoch.epoch)
    for name, value in validation_of(epoch):
        yield Metric(f"validation_{name}", value, time, epoch.epoch)


def _uri(target: str) -> str:
    # By default, MLflow retries for minutes without a message if there is no server.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    if "://" in target or target == "databricks":
        return target
    # MLflow prefers a database, which its light package lacks, and writes to files only with this variable.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return Path(target).absolute().as_uri()


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
