import pytest

from pippin.api.requests import Hyperparameters
from pippin.models.spec import SGD
from pippin.models.spec import Adam as DeclaredAdam
from worker.engines.jax.optimizers import Adam, Sgd, optimizer_for
from worker.engines.jax.switches import Switches

DECLARED_SGD = SGD(learning_rate=0.5, mini_batch_size=8, momentum=0.5)
DECLARED_ADAM = DeclaredAdam(learning_rate=0.5, mini_batch_size=8, beta1=0.5, beta2=0.5, eps=0.5)


def _decided(**values: float) -> Hyperparameters:
    return Hyperparameters(epochs=1, mini_batch_size=4, learning_rate=0.1, shuffle=False, seed=0, **values)


def test_the_job_decides_over_the_file() -> None:
    assert optimizer_for(DECLARED_SGD, _decided(momentum=0.9), Switches()) == Sgd(0.1, 0.9)
    adam = optimizer_for(DECLARED_ADAM, _decided(beta1=0.9, beta2=0.99, eps=1e-6), Switches(adam="eps_hat"))
    assert adam == Adam(0.1, 0.9, 0.99, 1e-6, "eps_hat")


def test_sgd_without_momentum_has_none() -> None:
    assert optimizer_for(DECLARED_SGD, _decided(), Switches(momentum="lr_outside")) == Sgd(0.1, 0.0, "lr_outside")


def test_adam_needs_every_number() -> None:
    with pytest.raises(ValueError, match="beta2 is null"):
        optimizer_for(DECLARED_ADAM, _decided(beta1=0.9, eps=1e-6), Switches())
