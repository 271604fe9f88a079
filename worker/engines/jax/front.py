"""The frozen models at the front of a pipeline: computed once per example, since they do not change."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from pippin.models.mlmodel import FrozenNetwork
from pippin.network import predict
from worker.engines.columns import check_indices
from worker.engines.engine import Examples, Observer, Stopped, TrainingRun
from worker.engines.jax.programs import arithmetic_of

# Examples per call, as in the validation.
_SIZE = 128


def through_front(front: tuple[FrozenNetwork, ...], run: TrainingRun, observer: Observer) -> TrainingRun:
    """The run for the last model of a pipeline: with the outputs of the models before it added to the examples.

    Raises:
        Stopped: The observer requested a stop.
    """
    training, validation = run.training, run.validation
    for stage in front:
        observer.log(f"computing {len(stage.resolved.layers)} frozen layers once for {training.count:,} examples")
        training = _through(stage, training, observer)
        validation = None if validation is None else _through(stage, validation, observer)
    return replace(run, training=training, validation=validation)


def _through(stage: FrozenNetwork, examples: Examples, observer: Observer) -> Examples:
    """The examples with a stage's outputs added; the outputs have no scale.

    Raises:
        EngineError: An example holds an index outside of an embedding's range.
        Stopped: The observer requested a stop.
    """
    check_indices(stage, examples)
    names = [feature.name for feature in stage.resolved.inputs]
    weights = jax.device_put(stage.weights)
    convolve, precision = arithmetic_of(jax.default_backend())

    @jax.jit
    def compute(weights: Any, inputs: Mapping[str, Any]) -> dict[str, Any]:  # noqa: ANN401 - a tree of arrays
        with jax.default_matmul_precision(precision):
            return predict(stage.resolved, weights, inputs, xp=jnp, convolve=convolve)

    outputs: dict[str, list[NDArray[np.float32]]] = {}
    for begin in range(0, examples.count, _SIZE):
        if observer.stop_requested():
            raise Stopped
        rows = slice(begin, begin + _SIZE)
        inputs = {
            name: _filled(examples.arrays[name][rows]) * np.float32(examples.scales.get(name, 1)) for name in names
        }
        count = min(_SIZE, examples.count - begin)
        for name, array in compute(weights, inputs).items():
            outputs.setdefault(name, []).append(np.asarray(array)[:count])
    computed = {name: np.concatenate(parts) for name, parts in outputs.items()}
    scales = {name: scale for name, scale in examples.scales.items() if name not in computed}
    return Examples({**examples.arrays, **computed}, scales, examples.count)


def _filled(part: NDArray[Any]) -> NDArray[np.float32]:
    """Fill a part up to `_SIZE` rows with its last example, so that one compiled program computes all parts."""
    rows = np.minimum(np.arange(_SIZE), len(part) - 1)
    filled: NDArray[np.float32] = part[rows].astype(np.float32)
    return filled
