"""What of a job is a series, and what is a setting, whatever it is exported to."""

from collections.abc import Iterator

from pippin.api.jobs import Job
from pippin.api.metrics import EpochMetrics


def settings_of(job: Job) -> dict[str, str | float | bool]:
    """What the job was asked: its hyperparameters, its model, its dataset and the engine that trained it."""
    asked = job.request
    model = asked.model
    return {
        **asked.hyperparameters.model_dump(exclude_none=True),
        "model": model.preset or model.name or model.id or model.job or "spec",
        "dataset": asked.dataset.name or asked.dataset.id,
        "engine": job.engine or asked.engine,
    }


def training_of(epoch: EpochMetrics) -> Iterator[tuple[str, float]]:
    """What was measured while an epoch trained."""
    return _given(
        loss=epoch.loss,
        learning_rate=epoch.learning_rate,
        examples_per_second=epoch.examples_per_second,
        seconds=epoch.seconds,
    )


def validation_of(epoch: EpochMetrics) -> Iterator[tuple[str, float]]:
    """What was measured on the validation split."""
    return _given(loss=epoch.validation_loss, accuracy=epoch.validation_accuracy)


def _given(**values: float | None) -> Iterator[tuple[str, float]]:
    return ((name, value) for name, value in values.items() if value is not None)
