"""The engine that trains on any system: the same files as Core ML, with the same semantics, through JAX."""

import jax
import numpy as np

from pippin.models.mlmodel import AnyModel, Learned, Model, Pipeline
from pippin.models.spec import resolve
from pippin.models.spec.presets import preset
from pippin.models.spec.weights import initial_weights
from worker.engines.columns import check_run_indices, columns_of
from worker.engines.engine import Observer, TrainingRun
from worker.engines.jax.device import device_faults
from worker.engines.jax.front import through_front
from worker.engines.jax.neighbors import learn_neighbors
from worker.engines.jax.network import NetworkTrainer
from worker.engines.jax.optimizers import Adam
from worker.engines.jax.programs import Programs, Steps, network_for, parameters_of, select_arrays
from worker.engines.jax.start import ENGINE
from worker.engines.jax.switches import Switches
from worker.engines.jax.training import SIZE


class JaxEngine:
    """Trains with JAX on JAX's default device.

    Call `configure` before importing this module: it sets the number of threads and the cache of compiled programs. The
    same run on the same machine with the same number of threads gives the same bytes, also when it is stopped and
    resumed from its checkpoint.
    """

    name = ENGINE

    def __init__(
        self,
        switches: Switches | None = None,
        *,
        steps_per_chunk: int | None = None,
        resident_bytes: int | None = None,
    ) -> None:
        """Initialize the engine.

        Args:
            switches: Choices where Core ML's behaviour is undocumented; None takes Core ML's behaviour as far as it is
                known, and its likely behaviour elsewhere.
            steps_per_chunk: See `NetworkTrainer`.
            resident_bytes: See `NetworkTrainer`.
        """
        self._networks = NetworkTrainer(switches or Switches(), steps_per_chunk, resident_bytes)

    def warm_up(self) -> None:
        """Do the work that every training does first, once for all children forked from this process."""
        warm_up()

    def train(self, run: TrainingRun, observer: Observer) -> Learned:
        """Train the model and return what it has learned.

        Raises:
            EngineError: The file holds no trainable model, the examples or the checkpoint do not fit the model, memory
                ran out, or the loss or a weight is not finite.
            Stopped: The observer requested a stop.
        """
        with device_faults():
            return self._train(run.open(), run, observer)

    def _train(self, model: AnyModel, run: TrainingRun, observer: Observer) -> Learned:
        if isinstance(model, Pipeline):
            return self._train(model.last, through_front(model.front, run, observer), observer)
        if isinstance(model, Model):
            check_run_indices(model, run)
            return self._networks.train(model, run, observer)
        return learn_neighbors(model, run, observer)


def warm_up() -> None:
    """Trace a training and a validation of a preset model, without starting a device.

    The first trace in a process took 0.16 s, a trace in a child of a process that had traced before 0.06 s. A device
    is not started, because its threads would not survive the fork.
    """
    resolved = resolve(preset("mnist-cnn"))
    columns = columns_of(resolved)
    parameters = parameters_of(resolved)
    programs = Programs(network_for(resolved, "cpu"), columns, parameters, Adam(0.1, 0.9, 0.999, 1e-8))
    trained = select_arrays(initial_weights(resolved), parameters.trained)
    moments = tuple((array, array) for array in trained)
    steps = Steps(
        table=tuple(np.zeros((2, column.size), np.uint8) for column in columns),
        scales=tuple(np.float32(1) for _ in columns),
        rows=np.zeros((1, SIZE), np.int32),
        valid_counts=np.zeros(1, np.int32),
        repeats=np.zeros(1, np.float32),
        again=np.zeros(1, np.int32),
        scalars=np.zeros((1, 8), np.float32),
        count=np.int32(0),
    )
    jax.jit(programs.train).trace(trained, moments, (), steps)
    jax.jit(programs.validate).trace(trained, (), steps)
