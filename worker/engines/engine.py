"""The interface of an engine: takes the bytes of an updatable `.mlmodel` and examples, and returns trained weights.

The worker uses engines only through this interface, and an engine has no access to jobs, leases or files.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from pippin.api.engines import ComputeUnits
from pippin.api.requests import Hyperparameters
from pippin.api.states import Reason
from pippin.datasets.examples import Examples
from pippin.errors import FaultyDocumentError, PippinError
from pippin.jobs.checkpoints import Checkpoint
from pippin.models.mlmodel import AnyModel, Learned, open_model

__all__ = ["Engine", "EngineError", "EpochResult", "Examples", "Observer", "Stopped", "TrainingRun"]


@dataclass(frozen=True)
class TrainingRun:
    """The model, the examples and the parameters of a training.

    Attributes:
        model: The `.mlmodel` to train; only the layers marked updatable change.
        hyperparameters: The resolved hyperparameters; they override the file's defaults.
        training: The training examples.
        validation: The examples to measure on after each epoch; None skips the validation.
        report_batches: Whether every epoch's result holds the mini-batch losses.
        class_names: The dataset's names of the classes, for models that learn class names; None if the dataset has
            none.
        learning_rates: The learning rate of each epoch, overriding the hyperparameter; None keeps the hyperparameter
            throughout.
        compute_units: Which of Apple's processors Core ML may use; other engines ignore the field.
        resume: The checkpoint to resume from; None begins with the first epoch.
        opened: The result of `open_model` for `model` if the file was opened before; limits of hyperparameters may
            differ.
    """

    model: bytes
    hyperparameters: Hyperparameters
    training: Examples
    validation: Examples | None
    report_batches: bool
    class_names: tuple[str, ...] | None = None
    learning_rates: tuple[float, ...] | None = None
    compute_units: ComputeUnits = "all"
    resume: Checkpoint | None = None
    opened: AnyModel | None = None

    def open(self) -> AnyModel:
        """Return `opened`, or open the file.

        Raises:
            EngineError: The file holds no trainable model.
        """
        if self.opened is not None:
            return self.opened
        try:
            return open_model(self.model)
        except FaultyDocumentError as error:
            raise EngineError(Reason.INVALID_MODEL, str(error)) from error


@dataclass(frozen=True)
class EpochResult:
    """The result of an epoch.

    Attributes:
        epoch: The epoch's number, from 1.
        loss: Mean loss over the epoch's training examples, each measured before its mini-batch's step. Not finite
            when the training has diverged; None for a model without a loss.
        validation_loss: Mean loss over the validation examples, after the epoch's last step; None without validation
            examples, and when the training has diverged. May be infinite although the training loss is finite.
        validation_accuracy: Share of validation examples whose largest output is the label; None for a loss without
            classes.
        seconds: Wall time of the epoch, validation included.
        examples_per_second: Training examples a second, validation not counted.
        batch_losses: Mean loss of each mini-batch, in order; None unless requested.
        learning_rate: The learning rate of the epoch; None for a model without a learning rate.
    """

    epoch: int
    loss: float | None
    validation_loss: float | None
    validation_accuracy: float | None
    seconds: float
    examples_per_second: float
    batch_losses: tuple[float, ...] | None
    learning_rate: float | None = None


class Observer(Protocol):
    """Receives the reports of a training, and may request a stop. Methods are called on the training's own thread."""

    def stop_requested(self) -> bool:
        """Whether to stop; called about every half second."""

    def training_began(self, notice: str | None = None) -> None:
        """The program is compiled and the first step is about to run.

        Args:
            notice: For a training that resumes from a checkpoint: why the result may differ in bits from an
                uninterrupted training, in a sentence; None when it does not differ.
        """

    def epoch_ended(self, result: EpochResult, snapshot: Callable[[], Checkpoint] | None = None) -> None:
        """An epoch has ended.

        Args:
            result: The epoch's result.
            snapshot: Makes a checkpoint of the current state; valid only until this method returns. None where the
                training cannot be resumed: after a loss that is not finite, or for a model without epochs.
        """

    def log(self, line: str) -> None:
        """Add a line to the job's log."""


class Engine(Protocol):
    """Trains updatable models."""

    @property
    def name(self) -> str:
        """`jax` or `coreml`: the value of a job's field `engine`."""

    def warm_up(self) -> None:
        """Do the work that every training does first, once for all children forked from this process.

        The method starts no thread and opens no device: neither would survive the fork.
        """

    def train(self, run: TrainingRun, observer: Observer) -> Learned:
        """Train the model and return what it has learned: all weights of a network, in the file's order, or samples.

        For a pipeline the last model is trained, and the result is that of the last model.

        Raises:
            EngineError: The training is impossible or has failed; `reason` is the reason code.
            Stopped: The observer requested a stop.
        """


class EngineError(PippinError):
    """A training failed; with a reason code and a sentence for the user."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


class Stopped(Exception):  # noqa: N818 - not an error: the observer requested the end
    """The training ended early, because the observer requested a stop.

    Attributes:
        checkpoint: The checkpoint to resume from. None before the first step, and when the engine cannot make one.
    """

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        super().__init__()
        self.checkpoint = checkpoint
