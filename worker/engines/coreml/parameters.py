"""Converts hyperparameters to Core ML's parameters."""

from typing import Any

import CoreML
import numpy as np

from pippin.api.engines import ComputeUnits
from pippin.api.requests import Hyperparameters
from pippin.models.mlmodel.proto import network_of, parse, serialize
from worker.engines.coreml.errors import checked
from worker.engines.engine import TrainingRun

_UNITS: dict[ComputeUnits, int] = {
    "all": CoreML.MLComputeUnitsAll,
    "cpu_only": CoreML.MLComputeUnitsCPUOnly,
    "cpu_and_gpu": CoreML.MLComputeUnitsCPUAndGPU,
    "cpu_and_neural_engine": CoreML.MLComputeUnitsCPUAndNeuralEngine,
}

# Hyperparameter -> the field of `NetworkUpdateParameters` or of its optimizer, and the class method for Core ML's key.
_OPTIMIZER_FIELDS = {
    "learning_rate": ("learningRate", CoreML.MLParameterKey.learningRate),
    "mini_batch_size": ("miniBatchSize", CoreML.MLParameterKey.miniBatchSize),
    "momentum": ("momentum", CoreML.MLParameterKey.momentum),
    "beta1": ("beta1", CoreML.MLParameterKey.beta1),
    "beta2": ("beta2", CoreML.MLParameterKey.beta2),
    "eps": ("eps", CoreML.MLParameterKey.eps),
}
_NETWORK_FIELDS = {
    "epochs": ("epochs", CoreML.MLParameterKey.epochs),
    "shuffle": ("shuffle", CoreML.MLParameterKey.shuffle),
    "seed": ("seed", CoreML.MLParameterKey.seed),
}


def remaining_hyperparameters(run: TrainingRun) -> Hyperparameters:
    """The hyperparameters at the start of the task; for a resumed training those of the remaining epochs."""
    finished = 0 if run.resume is None else run.resume.epoch
    values: dict[str, float] = {"epochs": run.hyperparameters.epochs - finished}
    if run.learning_rates is not None and finished < len(run.learning_rates):
        values["learning_rate"] = run.learning_rates[finished]
    return run.hyperparameters.model_copy(update=values)


def with_defaults(model: bytes, values: Hyperparameters) -> bytes:
    """The file with `values` as defaults, so that a training without a configuration uses `values` too.

    The result declares `shuffle` and `seed` even if the author's file does not: Core ML accepts no value for an
    undeclared parameter, and would silently drop the job's value.
    """
    message = parse(model)
    training = network_of(message).updateParams
    training.shuffle.SetInParent()
    training.seed.SetInParent()
    for field, value, _ in _declared(message, values):
        field.defaultValue = value
    return serialize(message)


def configuration_for(model: bytes, values: Hyperparameters, units: ComputeUnits) -> Any:  # noqa: ANN401 - Apple's
    """An `MLModelConfiguration` with the compute units and all `values` that the model declares.

    Args:
        model: A result of `with_defaults`.
        values: The hyperparameters.
        units: The compute units.

    Raises:
        EngineError: Core ML fails to create a configuration.
    """
    configuration = checked((CoreML.MLModelConfiguration.alloc().init(), None), "make a configuration")
    configuration.setComputeUnits_(_UNITS[units])
    configuration.setParameters_({key(): value for _, value, key in _declared(parse(model), values)})
    return configuration


def learning_rate(rate: float) -> dict[Any, float]:
    """The argument of `resumeWithParameters_` for a new learning rate, the only parameter that may change there."""
    return {CoreML.MLParameterKey.learningRate(): float(rate)}


def rate_of(context: Any, chosen: float | None) -> float | None:  # noqa: ANN401 - an MLUpdateContext
    """The learning rate that the update task's context reports, else `chosen`, the rate that was set.

    Core ML may keep the rate in single precision; `chosen` is returned if it is equal in single precision.
    """
    reported = context.parameters().get(CoreML.MLParameterKey.learningRate())
    if reported is None or (chosen is not None and np.float32(reported) == np.float32(chosen)):
        return chosen
    return float(reported)


def _declared(message: Any, values: Hyperparameters) -> list[tuple[Any, Any, Any]]:  # noqa: ANN401 - protobuf's messages
    """For each parameter that is declared and has a value: its message, its value and its key's class method."""
    training = network_of(message).updateParams
    optimizer = getattr(training.optimizer, training.optimizer.WhichOneof("OptimizerType"))
    parameters = []
    for holder, table in ((optimizer, _OPTIMIZER_FIELDS), (training, _NETWORK_FIELDS)):
        for name, (field, key) in table.items():
            value = getattr(values, name)
            if value is not None and field in holder.DESCRIPTOR.fields_by_name and holder.HasField(field):
                parameters.append((getattr(holder, field), value, key))
    return parameters
