"""Leaves JAX warm for the processes that are forked from this one."""

import jax
import numpy as np

from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import initial_weights
from worker.engines.columns import columns_of
from worker.engines.jax.lowering import network_for
from worker.engines.jax.optimizers.adam import Adam
from worker.engines.jax.parameters import parameters_of, picked
from worker.engines.jax.programs import Programs, Steps
from worker.engines.jax.validation import SIZE


def warm_up() -> None:
    """Trace a training and a validation of the model that comes with Pippin, for no device.

    The first trace in a process took 0.16 s, one in a child of a process that had traced before 0.06 s. To start a
    device would be of no use: its threads would not survive the fork.
    """
    resolved = resolve(preset("mnist-cnn"))
    columns = columns_of(resolved)
    parameters = parameters_of(resolved)
    programs = Programs(network_for(resolved, "cpu"), columns, parameters, Adam(0.1, 0.9, 0.999, 1e-8))
    trained = picked(initial_weights(resolved), parameters.trained)
    moments = tuple((array, array) for array in trained)
    steps = Steps(
        table=tuple(np.zeros((2, column.size), np.uint8) for column in columns),
        scales=tuple(np.float32(1) for _ in columns),
        rows=np.zeros((1, SIZE), np.int32),
        own=np.zeros(1, np.int32),
        repeats=np.zeros(1, np.float32),
        again=np.zeros(1, np.int32),
        numbers=np.zeros((1, 8), np.float32),
        count=np.int32(0),
    )
    jax.jit(programs.train).trace(trained, moments, (), steps)
    jax.jit(programs.validate).trace(trained, (), steps)
