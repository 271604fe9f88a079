"""The engine that trains anywhere: the same file as Core ML, with the same semantics, through JAX."""

import time
from dataclasses import replace

import jax
import numpy as np
from numpy.typing import NDArray

from pippin.jobs.states import Reason
from pippin.mlmodel import ModelFileError, read
from pippin.spec.weights import Weights
from worker.engines.engine import EngineError, EpochResult, Examples, Observer, TrainingRun
from worker.engines.jax.chunks import Chunks
from worker.engines.jax.columns import Source, columns_of
from worker.engines.jax.faults import device_faults
from worker.engines.jax.lowering import network_for
from worker.engines.jax.optimizers.choice import Formulas, optimizer_for
from worker.engines.jax.order import epoch_order
from worker.engines.jax.pace import Pace
from worker.engines.jax.parameters import parameters_of
from worker.engines.jax.programs import Programs
from worker.engines.jax.tables import room_for_examples, table_for
from worker.engines.jax.training import REMEDY, Training
from worker.engines.jax.validation import SIZE, Validation
from worker.engines.jax.warm_up import warm_up


class JaxEngine:
    """Trains with JAX, on the device that JAX takes by default.

    Call `configure` before this module is imported: it fixes the number of threads and the cache of compiled programs.
    The same run on the same machine with the same number of threads gives the same bytes.
    """

    name = "jax"

    def __init__(
        self,
        formulas: Formulas | None = None,
        *,
        steps_per_chunk: int | None = None,
        resident_bytes: int | None = None,
    ) -> None:
        """Make an engine; the last two change no result and are found by themselves if left out.

        Args:
            formulas: The update formulas; None takes the likeliest of those that Core ML may use.
            steps_per_chunk: How many steps to run between two looks at whether to stop.
            resident_bytes: How much of the device's memory examples may take for the whole training; more of them
                than that are put there a chunk at a time.
        """
        self._formulas = formulas or Formulas()
        self._steps_per_chunk = steps_per_chunk
        self._resident_bytes = resident_bytes

    def warm_up(self) -> None:
        """Do once what every training would do first, where children forked from this process profit by it."""
        warm_up()

    def train(self, run: TrainingRun, observer: Observer) -> Weights:
        """Train the model and return all its weights, in the file's order.

        Raises:
            EngineError: The file is no model that can be trained, the examples do not fit it, memory ran out, or the
                loss or a weight is not finite any more.
            Stopped: The observer asked for a stop.
        """
        with device_faults():
            return self._train(run, observer)

    def _train(self, run: TrainingRun, observer: Observer) -> Weights:
        began = time.perf_counter()
        try:
            model = read(run.model)
        except ModelFileError as error:
            raise EngineError(Reason.INVALID_MODEL, str(error)) from error
        asked = run.hyperparameters
        programs = Programs(
            network_for(model.resolved, jax.default_backend()),
            columns_of(model.resolved),
            parameters_of(model.resolved),
            optimizer_for(model.resolved.spec.optimizer, asked, self._formulas),
        )
        size = min(asked.mini_batch_size, run.training.count)
        chunks = self._chunks(run.training, programs, size, observer)
        measured = None if run.validation is None else self._chunks(run.validation, programs, SIZE, observer)
        training = Training(programs, model.weights, chunks, size)
        # Only now, since to train is what the user waits for.
        validation = None if measured is None else Validation(programs, measured, training)
        device = jax.devices()[0]
        observer.log(f"JAX {jax.__version__} on {device.device_kind}, ready in {time.perf_counter() - began:.2f} s")
        observer.training_began()
        for epoch in range(1, asked.epochs + 1):
            order = epoch_order(run.training.count, seed=asked.seed, epoch=epoch, shuffle=asked.shuffle)
            result, wrong = _epoch(epoch, training, order, validation)
            observer.epoch_ended(result if run.report_batches else replace(result, batch_losses=None))
            if wrong is not None:
                raise EngineError(Reason.DIVERGED, f"{wrong}; {REMEDY}")
        return training.weights(model.weights)

    def _chunks(self, examples: Examples, programs: Programs, size: int, observer: Observer) -> Chunks:
        limit = room_for_examples() if self._resident_bytes is None else self._resident_bytes
        table = table_for(Source(examples, programs.columns), size, limit)
        return Chunks(table, Pace(self._steps_per_chunk), observer.stop_requested)


def _epoch(
    epoch: int, training: Training, order: NDArray[np.int32], validation: Validation | None
) -> tuple[EpochResult, str | None]:
    """Train one epoch and measure; gives what came of it, and what is wrong if the training has diverged."""
    began = time.perf_counter()
    losses = training.epoch(order)
    seconds = time.perf_counter() - began
    step = losses.diverged_at
    loss, accuracy = (None, None) if validation is None or step else validation.measure()
    result = EpochResult(
        epoch=epoch,
        loss=losses.mean,
        validation_loss=loss,
        validation_accuracy=accuracy,
        seconds=time.perf_counter() - began,
        examples_per_second=int(losses.real.sum()) / seconds,
        batch_losses=losses.means,
    )
    return result, None if step is None else f"the loss is {losses.means[step - 1]} at step {step} of epoch {epoch}"
