"""Which optimizer a model is trained with."""

from pippin.api.requests import Hyperparameters
from pippin.models.spec import Optimizer as Declared
from worker.engines.jax.optimizers.adam import Adam
from worker.engines.jax.optimizers.optimizer import Optimizer
from worker.engines.jax.optimizers.sgd import Sgd
from worker.engines.jax.switches import Switches


def optimizer_for(declared: Declared, hyperparameters: Hyperparameters, switches: Switches) -> Optimizer:
    """The optimizer that the model declares, with the values that the job decided on."""
    learning_rate = _decided("learning_rate", hyperparameters.learning_rate)
    if declared.type == "sgd":
        # The one hyperparameter that a file may leave out.
        return Sgd(learning_rate, hyperparameters.momentum or 0.0, switches.momentum)
    return Adam(
        learning_rate,
        _decided("beta1", hyperparameters.beta1),
        _decided("beta2", hyperparameters.beta2),
        _decided("eps", hyperparameters.eps),
        switches.adam,
    )


def _decided(name: str, value: float | None) -> float:
    if value is None:
        raise ValueError(f"the hyperparameter {name} is null; the model's optimizer needs a number")
    return value
