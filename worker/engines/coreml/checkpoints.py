"""Checkpoints of a training by Core ML: the weights at an epoch's end, the only state that Core ML returns.

A checkpoint is made at the end of every epoch, whether or not the job requests one: a stop may come at any later
moment, and Apple does not document which weights are readable in the middle of a mini-batch.
"""

from collections.abc import Mapping
from typing import Any

from pippin.api.engines import ComputeUnits
from pippin.api.requests import Hyperparameters
from pippin.api.states import Reason
from pippin.jobs.checkpoints import Checkpoint
from pippin.models.mlmodel import Model, with_learned, with_widened_limits
from pippin.models.spec import SGD
from pippin.system.machine import chip, operating_system
from worker.engines.coreml.weights import not_finite, read_trained, trained_keys
from worker.engines.engine import EngineError, TrainingRun

ENGINE = "coreml"


def environment(units: ComputeUnits) -> dict[str, str]:
    """The facts on which Core ML's numerical results may depend."""
    return {"system": operating_system(), "chip": chip(), "compute_units": units}


def checkpoint_now(
    context_model: Any,  # noqa: ANN401 - an MLModel
    model: Model,
    epoch: int,
    computed_on: Mapping[str, str],
) -> Checkpoint | None:
    """The checkpoint at the end of `epoch`; None if a weight is not finite. Call it while the task pauses.

    The number of steps is 0, because Core ML does not report it.

    Raises:
        EngineError: Core ML does not return the weights.
    """
    weights = read_trained(context_model, model)
    if not_finite(weights) is not None:
        return None
    return Checkpoint(
        engine=ENGINE, epoch=epoch, step=0, taken=0, batch_sums=(), weights=weights, environment=computed_on
    )


def check_fits(checkpoint: Checkpoint, model: Model, epochs: int) -> None:
    """Refuse a checkpoint that this engine did not make for this model.

    Raises:
        EngineError: The checkpoint is of another engine, its epoch is outside of the training, or its weights are not
            those that the training changes.
    """
    if checkpoint.engine != ENGINE:
        raise _mismatch(f"was made by the engine {checkpoint.engine}, not by {ENGINE}")
    if checkpoint.step or not 0 <= checkpoint.epoch <= epochs:
        raise _mismatch(
            f"was made {checkpoint.step} mini-batches after epoch {checkpoint.epoch}; Core ML can resume only from "
            f"the end of an epoch, up to {epochs}"
        )
    held = {(layer, key): array for layer, arrays in checkpoint.weights.items() for key, array in arrays.items()}
    expected = trained_keys(model)
    for layer, key in expected:
        shape = list(model.weights[layer][key].shape)
        if (layer, key) not in held:
            raise _mismatch(f"lacks the {key} of layer {layer}")
        if list(held[layer, key].shape) != shape:
            raise _mismatch(f"has the {key} of layer {layer} in the shape {list(held[layer, key].shape)}, not {shape}")
    for layer, key in held:
        if (layer, key) not in expected:
            raise _mismatch(f"has the {key} of layer {layer}, which the model does not train")


def _mismatch(why: str) -> EngineError:
    return EngineError(Reason.ENGINE_ERROR, f"the training cannot resume from this checkpoint: it {why}")


def advanced_to(model: bytes, checkpoint: Checkpoint, values: Hyperparameters) -> bytes:
    """The file with the checkpoint's weights, and limits that admit the remaining epochs and the seed of `values`."""
    limited = values.model_dump(include={"epochs", "seed"}, exclude_none=True)
    return with_widened_limits(with_learned(model, checkpoint.weights), limited)


def notice(run: TrainingRun, model: Model, computed_on: Mapping[str, str]) -> str | None:
    """The state that a resumed training has lost, in a sentence; None for a training that begins.

    Args:
        run: The training.
        model: The trained model.
        computed_on: The current environment, see `environment`.
    """
    checkpoint = run.resume
    if checkpoint is None:
        return None
    lost = [*_lost_optimizer_state(run.hyperparameters, model), *_lost_order(run.hyperparameters)]
    if checkpoint.environment != computed_on:
        lost.append(
            f"it was computed with {_text_of(checkpoint.environment)}, and continues with {_text_of(computed_on)}"
        )
    if not lost:
        lost.append(
            "SGD without momentum and shuffling needs nothing else, but Apple does not guarantee identical results"
        )
    return (
        f"Core ML resumed from the weights after epoch {checkpoint.epoch}; other state is not restored: "
        f"{'; '.join(lost)}."
    )


def _lost_optimizer_state(hyperparameters: Hyperparameters, model: Model) -> list[str]:
    optimizer = model.resolved.spec.optimizer
    if not isinstance(optimizer, SGD):
        return ["Adam's moments and its step count start again"]
    if optimizer.momentum is None:
        return []
    momentum = optimizer.momentum.default if hyperparameters.momentum is None else hyperparameters.momentum
    return ["the momentum of SGD starts again"] if momentum else []


def _lost_order(hyperparameters: Hyperparameters) -> list[str]:
    return ["the shuffled order of the examples starts again from the seed"] if hyperparameters.shuffle else []


def _text_of(computed_on: Mapping[str, str]) -> str:
    return ", ".join(f"{what.replace('_', ' ')} {value}" for what, value in computed_on.items()) or "an unknown system"
