"""One training by Core ML, from the first event to the completion."""

import time
from math import isfinite
from typing import Any

import CoreML
import objc

from pippin.api.states import Reason
from pippin.jobs.checkpoints import Checkpoint
from pippin.models.mlmodel import Model, Weights
from pippin.models.trainable import trainable_network
from worker.engines.coreml.checkpoints import checkpoint_now, environment, notice
from worker.engines.coreml.errors import failed
from worker.engines.coreml.examples import batch_of, columns_for
from worker.engines.coreml.parameters import learning_rate, rate_of, remaining_hyperparameters
from worker.engines.coreml.predictions import Validation, check_predictions
from worker.engines.coreml.relay import Closed, Relay
from worker.engines.coreml.task import make_task
from worker.engines.coreml.weights import all_weights, check_weights, not_finite, read_trained
from worker.engines.engine import EngineError, EpochResult, Observer, Stopped, TrainingRun

_EVENTS = CoreML.MLUpdateProgressEventTrainingBegin | CoreML.MLUpdateProgressEventEpochEnd
_REMEDY = "a smaller learning rate may help, and so may data on a smaller scale and without values that are not finite"

# Keeps the objects of cancelled tasks alive: Core ML may be in the middle of a mini-batch and does not report when it
# releases them. A process trains one job only, so that the list stays short.
_CANCELLED: list[object] = []


class Training:
    """An `MLUpdateTask` and its handlers.

    Core ML calls the handlers on its own thread. Core ML's objects are used on that thread only, while the task pauses;
    the observer is called on the thread that called `run`.
    """

    def __init__(self, model: Model, run: TrainingRun, observer: Observer) -> None:
        """Initialize; no example is read yet.

        Args:
            model: The model, with the weights at which the training begins or resumes.
            run: The training.
            observer: Receives the reports.
        """
        self._model = model
        self._run = run
        self._observer = observer
        self._columns = columns_for(trainable_network(model.resolved), run.training)
        self._validation = None if run.validation is None else Validation(model, run.validation)
        self._relay: Relay[Weights] = Relay()
        self._exact = False
        self._environment: dict[str, str] = {}
        # The checkpoint that a stop returns. Only the thread that called `run` uses it, together with the observer.
        self._last_checkpoint = run.resume
        self._epoch = 0 if run.resume is None else run.resume.epoch
        self._batch_losses: list[float] = []
        self._rate = remaining_hyperparameters(run).learning_rate
        self._began = time.perf_counter()

    def run(self, url: Any, configuration: Any) -> Weights:  # noqa: ANN401 - Apple's objects
        """Train, and return all weights in the file's order.

        Args:
            url: The compiled model's URL.
            configuration: An `MLModelConfiguration`.

        Raises:
            EngineError: The training has failed or diverged.
            Stopped: The observer requested a stop.
        """
        events = _EVENTS | (CoreML.MLUpdateProgressEventMiniBatchEnd if self._run.report_batches else 0)
        # Handlers, examples and task stay referenced here: PyObjC and Core ML may not retain them.
        handlers = CoreML.MLUpdateProgressHandlers.alloc().initForEvents_progressHandler_completionHandler_(
            events, self._on_progress, self._on_completion
        )
        examples = batch_of(self._columns, 0, self._run.training.count)
        task, configured = make_task(url, examples, configuration, handlers, self._observer.log)
        units = self._run.compute_units if configured else "all"
        self._exact = units == "cpu_only"
        self._environment = environment(units)
        task.resume()
        try:
            return self._relay.wait(lambda: self._check_task(task))
        except BaseException:
            # Do not wait for the end of a cancelled task: its completion handler may never be called.
            task.cancel()
            _CANCELLED.append((self, handlers, examples, task))
            raise

    def _check_task(self, task: Any) -> None:  # noqa: ANN401 - an MLUpdateTask
        if self._observer.stop_requested():
            raise Stopped(self._last_checkpoint)
        if task.state() == CoreML.MLTaskStateFailed:
            raise failed("train the model", task.error())

    def _on_progress(self, context: Any) -> None:  # noqa: ANN401 - an MLUpdateContext
        try:
            self._relay.check()
            with objc.autorelease_pool():
                self._progress(context)
        except Closed:
            pass
        except BaseException as error:  # noqa: BLE001 - raised again on the training's own thread
            self._relay.end(error)

    def _on_completion(self, context: Any) -> None:  # noqa: ANN401 - an MLUpdateContext
        try:
            self._relay.check()
            with objc.autorelease_pool():
                self._relay.end(self._completed(context))
        except Closed:
            pass
        except BaseException as error:  # noqa: BLE001 - see above
            self._relay.end(error)

    def _progress(self, context: Any) -> None:  # noqa: ANN401 - an MLUpdateContext
        event = context.event()
        if event == CoreML.MLUpdateProgressEventTrainingBegin:
            check_weights(context.model(), self._model)
            sentence = notice(self._run, self._model, self._environment)
            self._relay.call(lambda: self._observer.training_began(sentence))
            self._began = time.perf_counter()
        elif event == CoreML.MLUpdateProgressEventMiniBatchEnd:
            self._batch_losses.append(_loss(context))
        elif event == CoreML.MLUpdateProgressEventEpochEnd:
            self._epoch_ended(context)

    def _epoch_ended(self, context: Any) -> None:  # noqa: ANN401 - an MLUpdateContext
        seconds = max(time.perf_counter() - self._began, 1e-9)
        self._epoch += 1
        loss = _loss(context)
        validation_loss, accuracy = None, None
        if self._validation is not None and isfinite(loss):
            validation_loss, accuracy = self._validation.measure(context.model(), self._relay.check)
        result = EpochResult(
            epoch=self._epoch,
            loss=loss,
            validation_loss=validation_loss,
            validation_accuracy=accuracy,
            seconds=time.perf_counter() - self._began,
            examples_per_second=self._run.training.count / seconds,
            batch_losses=tuple(self._batch_losses) if self._run.report_batches else None,
            learning_rate=rate_of(context, self._rate),
        )
        checkpoint = None
        if isfinite(loss):
            checkpoint = checkpoint_now(context.model(), self._model, self._epoch, self._environment)
        self._relay.call(lambda: self._report_epoch(result, checkpoint))
        if not isfinite(loss):
            raise EngineError(Reason.DIVERGED, f"the loss is {loss} in epoch {self._epoch}; {_REMEDY}")
        self._change_rate(context)
        self._batch_losses = []
        self._began = time.perf_counter()

    def _report_epoch(self, result: EpochResult, checkpoint: Checkpoint | None) -> None:
        if checkpoint is None:
            self._observer.epoch_ended(result)
            return
        self._last_checkpoint = checkpoint
        self._observer.epoch_ended(result, lambda: checkpoint)

    def _change_rate(self, context: Any) -> None:  # noqa: ANN401 - an MLUpdateContext
        rates = self._run.learning_rates
        if rates is not None and self._epoch < len(rates) and rates[self._epoch] != rates[self._epoch - 1]:
            self._rate = rates[self._epoch]
            context.task().resumeWithParameters_(learning_rate(self._rate))

    def _completed(self, context: Any) -> Weights:  # noqa: ANN401 - an MLUpdateContext
        task = context.task()
        if task.state() == CoreML.MLTaskStateFailed:
            raise failed("train the model", task.error())
        trained = read_trained(context.model(), self._model)
        faulty_weights = not_finite(trained)
        if faulty_weights is not None:
            raise EngineError(Reason.DIVERGED, f"{faulty_weights} are not finite after the last step; {_REMEDY}")
        weights = all_weights(self._model, trained)
        check_predictions(context.model(), self._model, weights, self._run.training, self._columns, exact=self._exact)
        return weights


def _loss(context: Any) -> float:  # noqa: ANN401 - an MLUpdateContext
    """The loss that Core ML reports at the end of a mini-batch or an epoch."""
    loss = context.metrics().get(CoreML.MLMetricKey.lossValue())
    if loss is None:
        raise EngineError(Reason.ENGINE_ERROR, "Core ML reports no loss at the end of a mini-batch or an epoch")
    return float(loss)
