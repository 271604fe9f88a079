"""The engine that trains with Core ML."""

import platform
import time
from dataclasses import replace

import objc

from pippin.api.states import Reason
from pippin.models.mlmodel import Learned, Model, Pipeline
from pippin.models.spec import ArrayFeature, ResolvedSpec
from worker.engines.columns import check_run_indices, columns_of, matrix_of
from worker.engines.coreml.checkpoints import ENGINE, advanced_to, check_fits
from worker.engines.coreml.parameters import configuration_for, remaining_hyperparameters, with_defaults
from worker.engines.coreml.task import compiled
from worker.engines.coreml.training import Training
from worker.engines.coreml.weights import all_weights, trained_keys
from worker.engines.engine import EngineError, Observer, TrainingRun


class CoreMLEngine:
    """Trains networks with `MLUpdateTask`. Models that this engine refuses can be trained with the engine jax."""

    name = ENGINE

    def warm_up(self) -> None:
        """Do nothing: this module has loaded the frameworks, and Core ML must not be used before a fork."""

    def train(self, run: TrainingRun, observer: Observer) -> Learned:
        """Train the network and return all its weights, in the file's order.

        A resumed training starts from the weights at an epoch's end, with a new task for the remaining epochs.

        Raises:
            EngineError: The file holds no trainable network, the examples or the checkpoint do not fit the network,
                memory ran out, Core ML reports an error or reads the file differently from Pippin, or the loss or a
                weight is not finite.
            Stopped: The observer requested a stop.
        """
        began = time.perf_counter()
        model = _network(run)
        _check(model, run)
        values = remaining_hyperparameters(run)
        data = run.model
        try:
            if run.resume is not None:
                model = replace(model, weights=all_weights(model, run.resume.weights))
                if not values.epochs:
                    observer.training_began()
                    return model.weights
                data = advanced_to(data, run.resume, values)
            data = with_defaults(data, values)
            with objc.autorelease_pool(), compiled(data) as url:
                configuration = configuration_for(data, values, run.compute_units)
                system = platform.mac_ver()[0] or "an unknown system"
                observer.log(
                    f"Core ML on macOS {system}, compute units {run.compute_units}, "
                    f"ready in {time.perf_counter() - began:.2f} s"
                )
                return Training(model, run, observer).run(url, configuration)
        except MemoryError as error:
            raise EngineError(
                Reason.OUT_OF_MEMORY,
                f"the training needs more memory than there is; a smaller mini-batch needs less ({error})",
            ) from error


def _network(run: TrainingRun) -> Model:
    model = run.open()
    if isinstance(model, Model):
        return model
    kind = "a pipeline" if isinstance(model, Pipeline) else "a nearest-neighbour classifier"
    raise EngineError(
        Reason.INVALID_MODEL,
        f"the engine coreml trains networks, and this is {kind}; use the engine jax",
    )


def _check(model: Model, run: TrainingRun) -> None:
    """Refuse a run that would crash Core ML, or that Core ML would train differently from the request."""
    trained_keys(model)
    _check_target(model.resolved)
    for examples in (run.training, run.validation):
        if examples is not None:
            for column in columns_of(model.resolved):
                matrix_of(examples, column)
    check_run_indices(model, run)
    hyperparameters = run.hyperparameters
    if hyperparameters.mini_batch_size is None:
        raise ValueError("the hyperparameter mini_batch_size is null; a network needs a number")
    if run.learning_rates is not None and len(run.learning_rates) != hyperparameters.epochs:
        raise ValueError(f"there are {len(run.learning_rates)} learning rates for {hyperparameters.epochs} epochs")
    if run.resume is not None:
        check_fits(run.resume, model, hyperparameters.epochs)


def _check_target(resolved: ResolvedSpec) -> None:
    """Refuse a float or one-hot target of a cross-entropy: it ends the process with a "BNNS error"."""
    if resolved.spec.loss.type != "categorical_cross_entropy":
        return
    for feature in resolved.training_inputs:
        if feature.name != resolved.training_target or not isinstance(feature, ArrayFeature):
            continue
        if feature.type != "int" or feature.lengths != (1,):
            raise EngineError(
                Reason.INVALID_MODEL,
                f"Core ML crashes on the target {feature.name}, declared as {feature.type} {list(feature.lengths)}: "
                f"declare it as int [1], the class's index, or train this model with the engine jax",
            )
