"""Trains a network, epoch by epoch."""

import time
from dataclasses import dataclass, replace

import jax

from pippin.api.states import Reason
from pippin.models.mlmodel import Model
from pippin.models.spec.weights import Weights
from worker.engines.columns import columns_of
from worker.engines.engine import EngineError, EpochResult, Examples, Observer, Stopped, TrainingRun
from worker.engines.jax.chunks import Chunks, Pace
from worker.engines.jax.device import environment, notice_of
from worker.engines.jax.optimizers import optimizer_for
from worker.engines.jax.programs import Programs, network_for, parameters_of
from worker.engines.jax.schedule import first_shuffle, schedule_for
from worker.engines.jax.start import start_of, switches_of
from worker.engines.jax.switches import Switches
from worker.engines.jax.tables import Source, max_resident_bytes, table_for
from worker.engines.jax.training import REMEDY, SIZE, Training, Validation


@dataclass(frozen=True)
class NetworkTrainer:
    """Trains networks; the last two attributes do not affect results, and are chosen automatically if None.

    Attributes:
        switches: Choices where Core ML's behaviour is undocumented; a resumed training keeps its own switches.
        steps_per_chunk: Number of steps between two checks for a stop.
        resident_bytes: Maximum device memory of examples that stay on the device for the whole training; larger data
            is copied to the device chunk by chunk.
    """

    switches: Switches
    steps_per_chunk: int | None = None
    resident_bytes: int | None = None

    def train(self, model: Model, run: TrainingRun, observer: Observer) -> Weights:
        """Train `model` on the examples of `run` and return all its weights, in the file's order.

        Raises:
            EngineError: The examples or the checkpoint do not fit, or the training has diverged.
            Stopped: A stop was requested. The exception holds a checkpoint if a step was taken since the training began
                or was resumed, and all weights are finite.
        """
        began = time.perf_counter()
        hyperparameters = run.hyperparameters
        if hyperparameters.mini_batch_size is None:
            raise ValueError("the hyperparameter mini_batch_size is null; a network needs a number")
        rates = run.learning_rates
        if rates is not None and len(rates) != hyperparameters.epochs:
            raise ValueError(
                f"{len(rates)} learning rates were given for {hyperparameters.epochs} epochs; needs one per epoch"
            )
        switches = switches_of(run.resume, self.switches)
        programs = Programs(
            network_for(model.resolved, jax.default_backend()),
            columns_of(model.resolved),
            parameters_of(model.resolved),
            optimizer_for(model.resolved.spec.optimizer, hyperparameters, switches),
        )
        width = min(hyperparameters.mini_batch_size, run.training.count)
        chunks = self._chunks(run.training, programs, width, observer)
        measured = None if run.validation is None else self._chunks(run.validation, programs, SIZE, observer)
        start = start_of(
            run.resume,
            model.weights,
            programs.parameters,
            moments=programs.optimizer.moments,
            epochs=hyperparameters.epochs,
            steps=-(-run.training.count // width),
            switches=switches,
            shuffle=first_shuffle(hyperparameters, switches, run.training.count),
        )
        schedule = schedule_for(hyperparameters, switches, start, run.training.count, width)
        training = Training(programs, model.weights, start, chunks, schedule)
        # After the training program, so that the first training step does not wait for this compilation.
        validation = None if measured is None else Validation(programs, measured, training)
        device = jax.devices()[0]
        observer.log(f"JAX {jax.__version__} on {device.device_kind}, ready in {time.perf_counter() - began:.2f} s")
        if switches != Switches():
            observer.log("training differs from Core ML's because of these switches: " + switches.text)
        observer.training_began(notice_of(start.environment, environment()))
        try:
            _epochs(training, validation, run, observer)
        except Stopped:
            # A training cannot be resumed from weights that are not finite.
            new = (training.finished, training.taken) != (start.epoch, start.taken) and training.finite
            raise Stopped(training.checkpoint() if new else None) from None
        return training.weights(model.weights)

    def _chunks(self, examples: Examples, programs: Programs, size: int, observer: Observer) -> Chunks:
        limit = max_resident_bytes() if self.resident_bytes is None else self.resident_bytes
        table = table_for(Source(examples, programs.columns), size, limit)
        return Chunks(table, Pace(self.steps_per_chunk), observer.stop_requested)


def _epochs(training: Training, validation: Validation | None, run: TrainingRun, observer: Observer) -> None:
    """Train the remaining epochs.

    Raises:
        EngineError: The training has diverged.
        Stopped: A stop was requested.
    """
    hyperparameters = run.hyperparameters
    for epoch in range(training.finished + 1, hyperparameters.epochs + 1):
        rate = None if run.learning_rates is None else run.learning_rates[epoch - 1]
        result, wrong = _epoch(epoch, training, rate, validation)
        snapshot = training.checkpoint if wrong is None and training.finite else None
        observer.epoch_ended(result if run.report_batches else replace(result, batch_losses=None), snapshot)
        if wrong is not None:
            raise EngineError(Reason.DIVERGED, f"{wrong}; {REMEDY}")


def _epoch(
    epoch: int, training: Training, rate: float | None, validation: Validation | None
) -> tuple[EpochResult, str | None]:
    """Train one epoch and validate; the result, and a description of the divergence or None."""
    began = time.perf_counter()
    losses = training.epoch(rate)
    # At least 1e-9 s: a resumed epoch may have no step left.
    seconds = max(time.perf_counter() - began, 1e-9)
    step = losses.diverged_at
    loss, accuracy = (None, None) if validation is None or step else validation.measure()
    training.end_epoch()
    result = EpochResult(
        epoch=epoch,
        loss=losses.mean,
        validation_loss=loss,
        validation_accuracy=accuracy,
        seconds=time.perf_counter() - began,
        examples_per_second=losses.visited / seconds,
        batch_losses=losses.means,
        learning_rate=training.learning_rate if rate is None else rate,
    )
    return result, None if step is None else f"the loss is {losses.means[step - 1]} at step {step} of epoch {epoch}"
