"""The engine that trains anywhere: the same file as Core ML, with the same semantics, through JAX."""

from pippin.api.states import Reason
from pippin.errors import FaultyDocumentError
from pippin.models.mlmodel import AnyModel, Learned, Model, Pipeline, open_model
from worker.engines.engine import EngineError, Observer, TrainingRun
from worker.engines.indices import check_run_indices
from worker.engines.jax.faults import device_faults
from worker.engines.jax.front import through_front
from worker.engines.jax.neighbors import learn_neighbors
from worker.engines.jax.network import NetworkTrainer
from worker.engines.jax.start import ENGINE
from worker.engines.jax.switches import Switches
from worker.engines.jax.warm_up import warm_up


class JaxEngine:
    """Trains with JAX, on the device that JAX takes by default.

    Call `configure` before this module is imported: it fixes the number of threads and the cache of compiled programs.
    The same run on the same machine with the same number of threads gives the same bytes, also where it is stopped and
    resumed from the checkpoint.
    """

    name = ENGINE

    def __init__(
        self,
        switches: Switches | None = None,
        *,
        steps_per_chunk: int | None = None,
        resident_bytes: int | None = None,
    ) -> None:
        """Make an engine.

        Args:
            switches: How to train where Core ML's documents are silent; None takes what Core ML does, as far as it is
                known, and likely does where it is not.
            steps_per_chunk: See `NetworkTrainer`.
            resident_bytes: See `NetworkTrainer`.
        """
        self._networks = NetworkTrainer(switches or Switches(), steps_per_chunk, resident_bytes)

    def warm_up(self) -> None:
        """Do once what every training would do first, where children forked from this process profit by it."""
        warm_up()

    def train(self, run: TrainingRun, observer: Observer) -> Learned:
        """Train the model and return what it has learned.

        Raises:
            EngineError: The file is no model that can be trained, the examples or the checkpoint do not fit it, memory
                ran out, or the loss or a weight is not finite any more.
            Stopped: The observer asked for a stop.
        """
        with device_faults():
            try:
                model = open_model(run.model)
            except FaultyDocumentError as error:
                raise EngineError(Reason.INVALID_MODEL, str(error)) from error
            return self._train(model, run, observer)

    def _train(self, model: AnyModel, run: TrainingRun, observer: Observer) -> Learned:
        if isinstance(model, Pipeline):
            return self._train(model.last, through_front(model.front, run, observer), observer)
        if isinstance(model, Model):
            check_run_indices(model, run)
            return self._networks.train(model, run, observer)
        return learn_neighbors(model, run, observer)
