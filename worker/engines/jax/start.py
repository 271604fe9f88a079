"""The start of a training: the weights of the model's file, or a checkpoint."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pippin.api.states import Reason
from pippin.jobs.checkpoints import Checkpoint, ShuffleState
from pippin.models.spec.weights import Weights
from worker.engines.engine import EngineError
from worker.engines.jax.device import environment
from worker.engines.jax.programs import Parameters, select_arrays
from worker.engines.jax.switches import FORMER, Switches

ENGINE = "jax"


def switches_of(resume: Checkpoint | None, default: Switches) -> Switches:
    """The switches of a training: a resumed training keeps its checkpoint's switches, a new one takes `default`.

    Raises:
        EngineError: The checkpoint's switches are invalid.
    """
    if resume is None:
        return default
    if not resume.switches:
        return FORMER
    try:
        return Switches.of_document(resume.switches)
    except ValueError as error:
        raise _mismatch(str(error)) from None


def start_of(
    resume: Checkpoint | None,
    weights: Weights,
    parameters: Parameters,
    *,
    moments: int,
    epochs: int,
    steps: int,
    switches: Switches,
    shuffle: ShuffleState | None,
) -> Checkpoint:
    """The checkpoint at which the training starts: `resume`, or a checkpoint of zero steps.

    Args:
        resume: The checkpoint to resume from; None begins a new training.
        weights: The weights of the model's file.
        parameters: Which of the weights are trained.
        moments: Number of the optimizer's state arrays per weight.
        epochs: Number of epochs of the training.
        steps: Number of mini-batches per epoch.
        switches: The training's switches, see `switches_of`.
        shuffle: State of the shuffle before the first epoch; None if the orders have no state.

    Raises:
        EngineError: The checkpoint does not fit the training.
    """
    trained = dict(zip(parameters.trained, select_arrays(weights, parameters.trained), strict=True))
    if resume is None:
        zeros = tuple(nested({key: np.zeros_like(array) for key, array in trained.items()}) for _ in range(moments))
        return Checkpoint(
            ENGINE,
            0,
            0,
            0,
            (),
            nested(trained),
            zeros,
            environment=environment(),
            switches=switches.document(),
            shuffle=shuffle,
        )
    _check_place(resume, epochs, steps)
    _check_arrays(resume.weights, "weights", trained)
    if len(resume.moments) != moments:
        raise _mismatch(f"holds {len(resume.moments)} moments of each weight; the model's optimizer keeps {moments}")
    for number, moment in enumerate(resume.moments, 1):
        _check_arrays(moment, f"moments {number}", trained)
    if shuffle is None:
        return replace(resume, shuffle=None)
    _check_shuffle(resume.shuffle, len(shuffle.order))
    return resume


def nested(arrays: Mapping[tuple[str, str], NDArray[np.float32]]) -> Weights:
    """Convert (layer name, key) -> array to layer name -> key -> array."""
    weights: dict[str, dict[str, NDArray[np.float32]]] = {}
    for (layer, key), array in arrays.items():
        weights.setdefault(layer, {})[key] = array
    return weights


def _check_place(resume: Checkpoint, epochs: int, steps: int) -> None:
    if resume.engine != ENGINE:
        raise _mismatch(f"was made by the engine {resume.engine}; only this engine can resume from it, {ENGINE} cannot")
    if not 0 <= resume.epoch <= epochs:
        raise _mismatch(f"was made after epoch {resume.epoch}; the training has {epochs}")
    max_step = steps if resume.epoch < epochs else 0
    if not 0 <= resume.step <= max_step:
        raise _mismatch(
            f"was made after step {resume.step} of epoch {resume.epoch + 1}; the training has {max_step} steps there"
        )
    for losses in (resume.batch_sums, resume.batch_totals):
        if len(losses) != resume.step:
            raise _mismatch(f"holds the losses of {len(losses)} steps; it has taken {resume.step}")


def _check_shuffle(shuffle: ShuffleState | None, count: int) -> None:
    if shuffle is None:
        raise _mismatch("does not hold the order of the examples, which the next epoch shuffles")
    order = shuffle.order
    if order.dtype != np.int32 or order.shape != (count,) or not np.array_equal(np.sort(order), np.arange(count)):
        raise _mismatch(f"holds an order of {order.size} examples; the training has {count}, each of them once")


def _check_arrays(arrays_by_layer: Weights, what: str, expected_arrays: Mapping[tuple[str, str], NDArray[Any]]) -> None:
    held = {(layer, key): array for layer, arrays in arrays_by_layer.items() for key, array in arrays.items()}
    for layer, key in sorted(held.keys() ^ expected_arrays.keys()):
        has = "holds" if (layer, key) in held else "lacks"
        raise _mismatch(f"{has} the {key} of layer {layer} among its {what}; the model trains other weights")
    for (layer, key), array in held.items():
        expected = expected_arrays[layer, key]
        if (array.shape, array.dtype) != (expected.shape, expected.dtype):
            raise _mismatch(
                f"has {array.dtype} {list(array.shape)} for the {key} of layer {layer} among its {what}; "
                f"the model has {expected.dtype} {list(expected.shape)}"
            )


def _mismatch(message: str) -> EngineError:
    return EngineError(Reason.ENGINE_ERROR, f"the checkpoint does not fit the training: it {message}")
