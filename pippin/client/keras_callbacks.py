"""Calls callbacks as `fit` of Keras does, so that existing Keras callbacks work with a job."""

import math
from collections.abc import Iterable

from pippin.api.metrics import EpochMetrics


class KerasCallbacks:
    """The callbacks of one training; a method that a callback lacks is skipped.

    Args:
        callbacks: Objects with any of `set_model`, `set_params`, `on_train_begin(logs)`, `on_epoch_begin(epoch, logs)`,
            `on_epoch_end(epoch, logs)` and `on_train_end(logs)`. As in Keras, epochs count from 0.
        model: The argument of `set_model`; a callback ends the training by setting its attribute `stop_training`.
        epochs: The number of epochs of the training.
    """

    def __init__(self, callbacks: Iterable[object], model: object, epochs: int) -> None:
        self._callbacks = list(callbacks)
        self._logs: dict[str, float] = {}
        self._call("set_params", {"epochs": epochs, "steps": None, "verbose": 0})
        self._call("set_model", model)
        self._call("on_train_begin", {})

    def epoch(self, epoch: EpochMetrics) -> None:
        """Call the callbacks for an epoch that has ended."""
        self._logs = logs_of(epoch)
        self._call("on_epoch_begin", epoch.epoch - 1, {})
        self._call("on_epoch_end", epoch.epoch - 1, dict(self._logs))

    def end(self) -> None:
        """Call the callbacks for the end of the training, whether it succeeded or not."""
        self._call("on_train_end", dict(self._logs))

    def _call(self, name: str, *arguments: object) -> None:
        for callback in self._callbacks:
            method = getattr(callback, name, None)
            if method is not None:
                method(*arguments)


def logs_of(epoch: EpochMetrics) -> dict[str, float]:
    """The measured values of an epoch under their Keras names.

    A loss that is not finite is NaN, the value that callbacks such as `TerminateOnNaN` test for.
    """
    measured = {
        "loss": math.nan if epoch.diverged else epoch.loss,
        "val_loss": epoch.validation_loss,
        "val_accuracy": epoch.validation_accuracy,
        "learning_rate": epoch.learning_rate,
    }
    return {name: value for name, value in measured.items() if value is not None}
