"""Calls callbacks as Keras' `fit` does, so that those that people have at hand work with a job."""

import math
from collections.abc import Iterable

from pippin.api.metrics import EpochMetrics


class Callbacks:
    """The callbacks of one training; methods that one does not have are left out.

    Args:
        callbacks: Objects with any of `set_model`, `set_params`, `on_train_begin(logs)`, `on_epoch_begin(epoch, logs)`,
            `on_epoch_end(epoch, logs)` and `on_train_end(logs)`. As in Keras, epochs count from 0.
        model: What `set_model` is given; a callback ends the training by setting its `stop_training`.
        epochs: How many the training will have.
    """

    def __init__(self, callbacks: Iterable[object], model: object, epochs: int) -> None:
        self._callbacks = list(callbacks)
        self._logs: dict[str, float] = {}
        self._call("set_params", {"epochs": epochs, "steps": None, "verbose": 0})
        self._call("set_model", model)
        self._call("on_train_begin", {})

    def epoch(self, epoch: EpochMetrics) -> None:
        """Tells of an epoch that has ended."""
        self._logs = logs_of(epoch)
        self._call("on_epoch_begin", epoch.epoch - 1, {})
        self._call("on_epoch_end", epoch.epoch - 1, dict(self._logs))

    def end(self) -> None:
        """Tells that the training is over, however it ended."""
        self._call("on_train_end", dict(self._logs))

    def _call(self, name: str, *arguments: object) -> None:
        for callback in self._callbacks:
            method = getattr(callback, name, None)
            if method is not None:
                method(*arguments)


def logs_of(epoch: EpochMetrics) -> dict[str, float]:
    """What an epoch measured, under Keras' names; what was not measured is not there.

    A loss that is not finite is NaN, for callbacks that look for that.
    """
    measured = {
        "loss": math.nan if epoch.diverged else epoch.loss,
        "val_loss": epoch.validation_loss,
        "val_accuracy": epoch.validation_accuracy,
        "learning_rate": epoch.learning_rate,
    }
    return {name: value for name, value in measured.items() if value is not None}
