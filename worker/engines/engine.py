"""What an engine is: it takes the bytes of an updatable `.mlmodel` and examples, and gives trained weights back.

The worker knows engines only by this interface, and an engine has no access to jobs, leases or files.
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
    """What to train, on what, and how.

    Attributes:
        model: The `.mlmodel` to train; only the layers that it marks updatable change.
        hyperparameters: Each one decided, whatever defaults the file holds.
        training: The examples to learn from.
        validation: The examples to measure on after each epoch; None measures nothing.
        report_batches: Whether every epoch's result holds its mini-batch losses.
        class_names: What the dataset calls the classes that its target numbers, for models that learn their names;
            None where it has no names.
        learning_rates: The learning rate of each epoch, where it is not the same throughout; it overrides the
            hyperparameter.
        compute_units: Which of Apple's processors Core ML may use; other engines take no notice.
        resume: Where an earlier training of the same run stood: it goes on from there; None begins with the first
            epoch.
        opened: What `open_model` returns for `model`, where the file was opened before; limits of hyperparameters may
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
        """Return the model of the file, opened now unless it was before.

        Raises:
            EngineError: The file holds no model that can be trained.
        """
        if self.opened is not None:
            return self.opened
        try:
            return open_model(self.model)
        except FaultyDocumentError as error:
            raise EngineError(Reason.INVALID_MODEL, str(error)) from error


@dataclass(frozen=True)
class EpochResult:
    """What an epoch gave.

    Attributes:
        epoch: Counts from 1.
        loss: Mean loss over the epoch's training examples, each measured before its mini-batch's step. Not finite
            when the training has diverged; None for a model that has no loss.
        validation_loss: Mean loss over the validation examples, after the epoch's last step; None without any, and
            where the training has diverged. It may be infinite where the training loss is not.
        validation_accuracy: Share of validation examples whose largest output is the label; None for a loss that
            has no classes.
        seconds: Wall time of the epoch, validation included.
        examples_per_second: Training examples a second, validation not counted.
        batch_losses: Mean loss of each mini-batch, in order; None unless asked for.
        learning_rate: The learning rate that the epoch was trained with; None for a model that has none.
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
    """Receives reports of a training, and may end it. Its methods are called on the training's own thread."""

    def stop_requested(self) -> bool:
        """Whether to stop; asked about every half second."""

    def training_began(self, notice: str | None = None) -> None:
        """The program is compiled and the first step is about to run.

        Args:
            notice: Of a training that goes on from a checkpoint: why it is not bit for bit what it would have been
                without the break, in a sentence; None when it is.
        """

    def epoch_ended(self, result: EpochResult, snapshot: Callable[[], Checkpoint] | None = None) -> None:
        """An epoch is over.

        Args:
            result: What it gave.
            snapshot: Makes a checkpoint of this moment; to be called before this returns, or not at all. None where
                there is nothing to go on from: after a loss that is not finite, or in a model without epochs.
        """

    def log(self, line: str) -> None:
        """Add a line to the job's log."""


class Engine(Protocol):
    """Something that trains updatable models."""

    @property
    def name(self) -> str:
        """`jax` or `coreml`: what a job names in its field `engine`."""

    def warm_up(self) -> None:
        """Do once what every training would do first, where children forked from this process profit by it.

        It starts no thread and opens no device: neither would survive the fork.
        """

    def train(self, run: TrainingRun, observer: Observer) -> Learned:
        """Train the model and return what it has learned: all weights of a network, in the file's order, or samples.

        Of a pipeline the last model is trained, and what that one has learned is returned.

        Raises:
            EngineError: The training cannot be done or has gone wrong; its reason is the reason code.
            Stopped: The observer asked for a stop.
        """


class EngineError(PippinError):
    """A training that failed: why, as a reason code, and a sentence for a person."""

    def __init__(self, reason: Reason, detail: str) -> None:
        self.reason = reason
        super().__init__(detail)


class Stopped(Exception):  # noqa: N818 - nothing went wrong: the training ended because the observer asked
    """The training ended early, because the observer asked for it.

    Attributes:
        checkpoint: Where it stands: a training can go on from there. None before its first step, and where the engine
            cannot say.
    """

    def __init__(self, checkpoint: Checkpoint | None = None) -> None:
        super().__init__()
        self.checkpoint = checkpoint
