"""A job as a run of MLflow."""

import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pippin.api.jobs import Job
from pippin.api.metrics import EpochMetrics
from pippin.api.states import Status
from pippin.cli.exports.errors import ExportError, MissingLibraryError
from pippin.cli.exports.values import settings_of, training_of, validation_of

if TYPE_CHECKING:
    from mlflow.entities import Metric

_EXPERIMENT = "pippin"
_MOST_METRICS = 1000  # in one call, as MLflow's REST API has it
_STATUSES = {Status.SUCCEEDED: "FINISHED", Status.FAILED: "FAILED", Status.CANCELLED: "KILLED"}


class Run(NamedTuple):
    """Where a job is in MLflow."""

    uri: str
    experiment: str
    run: str


def log_run(target: str, job: Job, epochs: Sequence[EpochMetrics], url: str, model: Path | None = None) -> Run:
    """Logs a job's epochs, settings, labels, state and model as a new run of the experiment `pippin`.

    Args:
        target: A tracking server's or a database's URI, or a folder for MLflow's files.
        job: What was asked.
        epochs: Oldest first.
        url: The job's page, which the run gets as a tag.
        model: What the job has trained, an artifact in the run's folder `model`.

    Raises:
        MissingLibraryError: MLflow is not installed.
        ExportError: MLflow refused, or cannot be reached.
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
        found = client.get_experiment_by_name(_EXPERIMENT)
        experiment = found.experiment_id if found else client.create_experiment(_EXPERIMENT)
        run = client.create_run(
            experiment, start_time=_ms(job.started_at or job.created_at), run_name=job.name or job.id
        )
        metrics = [metric for epoch in epochs for metric in _metrics(epoch)]
        for start in range(0, len(metrics), _MOST_METRICS):
            client.log_batch(run.info.run_id, metrics=metrics[start : start + _MOST_METRICS])
        tags = {"pippin.job": job.id, "pippin.url": url, "pippin.status": str(job.status), **job.labels}
        client.log_batch(
            run.info.run_id,
            params=[Param(name, str(value)) for name, value in settings_of(job).items()],
            tags=[RunTag(name, value) for name, value in tags.items()],
        )
        if model:
            client.log_artifact(run.info.run_id, str(model), "model")
        if job.status in _STATUSES:
            client.set_terminated(run.info.run_id, _STATUSES[job.status], _ms(job.finished_at or job.created_at))
    except MlflowException as error:
        raise ExportError(f"MLflow at {uri} did not take the job: {error}") from error
    return Run(uri, _EXPERIMENT, run.info.run_id)


def _metrics(epoch: EpochMetrics) -> "Iterator[Metric]":
    from mlflow.entities import Metric

    time = _ms(epoch.time)
    for name, value in training_of(epoch):
        yield Metric(name, value, time, epoch.epoch)
    for name, value in validation_of(epoch):
        yield Metric(f"validation_{name}", value, time, epoch.epoch)


def _uri(target: str) -> str:
    # Its own patience is minutes, without a word, where no server is.
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    if "://" in target or target == "databricks":
        return target
    # MLflow has written to files only when allowed to since it prefers a database, which its light package lacks.
    os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
    return Path(target).absolute().as_uri()


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
