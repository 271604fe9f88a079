from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from pippin.api.requests import Hyperparameters
from pippin.models.spec import SGD
from pippin.models.spec import Adam as DeclaredAdam
from worker.engines.jax.optimizers import Adam, Sgd, optimizer_for
from worker.engines.jax.switches import AdamForm, Momentum, Switches


def _sgd_weights(form: Momentum, steps: list[tuple[float, float]]) -> list[float]:
    weight, moments = jnp.float32(1), (jnp.float32(0),)
    weights = []
    for gradient, rate in steps:
        optimizer = Sgd(learning_rate=rate, momentum=0.9, form=form)
        row: tuple[Any, ...] = tuple(np.float32(optimizer.step_scalars(1, 1)[0]))
        weight, moments = optimizer.update(weight, moments, jnp.float32(gradient), row)
        weights.append(float(weight))
    return weights


@pytest.mark.parametrize(
    ("form", "weights"),
    [
        #   g     lr     v = 0.9 v + lr g           w = w - v
        #   0.5   0.1    0.05                       0.95
        #  -0.2   0.1    0.045 - 0.02  =  0.025     0.925
        #   0.4   0.01   0.0225 + 0.004 = 0.0265    0.8985
        #   0     0.01   0.02385                    0.87465
        ("lr_inside", [0.95, 0.925, 0.8985, 0.87465]),
        #   g     lr     v = 0.9 v + g              w = w - lr v
        #   0.5   0.1    0.5                        0.95
        #  -0.2   0.1    0.45 - 0.2   =  0.25       0.925
        #   0.4   0.01   0.225 + 0.4  =  0.625      0.91875
        #   0     0.01   0.5625                     0.913125
        ("lr_outside", [0.95, 0.925, 0.91875, 0.913125]),
    ],
)
def test_each_form_of_momentum_equals_arithmetic_by_hand(form: Momentum, weights: list[float]) -> None:
    assert _sgd_weights(form, [(0.5, 0.1), (-0.2, 0.1), (0.4, 0.01), (0, 0.01)]) == pytest.approx(weights, abs=1e-7)


def test_momentum_forms_agree_at_a_constant_learning_rate() -> None:
    steps = [(0.5, 0.1), (-0.2, 0.1), (0.4, 0.1), (1.5, 0.1)]
    assert _sgd_weights("lr_inside", steps) == pytest.approx(_sgd_weights("lr_outside", steps), abs=1e-7)


def test_sgd_has_two_scalars_for_every_step() -> None:
    assert Sgd(learning_rate=0.25, momentum=0.5).step_scalars(7, 3).tolist() == [[0.25, 0.5]] * 3


GRADIENTS = (1, 2, -1, 0)


def _adam_weights(form: AdamForm) -> list[float]:
    optimizer = Adam(learning_rate=0.1, beta1=0.5, beta2=0.75, eps=0.1, form=form)
    rows = optimizer.step_scalars(1, len(GRADIENTS)).astype(np.float32)
    weight, moments = jnp.float32(1), (jnp.float32(0), jnp.float32(0))
    weights = []
    for gradient, row in zip(GRADIENTS, rows, strict=True):
        weight, moments = optimizer.update(weight, moments, jnp.float32(gradient), tuple(row))
        weights.append(float(weight))
    return weights


@pytest.mark.parametrize(
    ("form", "weights"),
    [
        # lr 0.1, beta1 1/2, beta2 3/4, eps 0.1
        #   g    m = (m + g)/2   v = (3v + g^2)/4   1-1/2^t  1-(3/4)^t   m^       v^         0.1 m^ / (sqrt v^ + 0.1)
        #   1    0.5             0.25               0.5      0.25        1        1          0.1 / 1.1
        #   2    1.25            1.1875             0.75     0.4375      1.66667  2.714286   0.1666667 / 1.7475089
        #  -1    0.125           1.140625           0.875    0.578125    0.142857 1.972973   0.0142857 / 1.5046256
        #   0    0.0625          0.85546875         0.9375   0.68359375  0.066667 1.251429   0.0066667 / 1.2186727
        ("eps_outside", [0.9090909, 0.8137171, 0.8042225, 0.7987521]),
        # The same m and v; the step is 0.1 sqrt(1-(3/4)^t) / (1-1/2^t) * m / (sqrt v + 0.1)
        #   0.1 * 0.5       / 0.5    * 0.5    / (0.5       + 0.1)  =  0.0833333
        #   0.1 * 0.6614378 / 0.75   * 1.25   / (1.0897247 + 0.1)  =  0.0926598
        #   0.1 * 0.7603453 / 0.875  * 0.125  / (1.0680005 + 0.1)  =  0.0092997
        #   0.1 * 0.8267973 / 0.9375 * 0.0625 / (0.9249155 + 0.1)  =  0.0053780
        ("eps_hat", [0.9166667, 0.8240069, 0.8147072, 0.8093292]),
    ],
)
def test_each_form_of_adam_equals_arithmetic_by_hand(form: AdamForm, weights: list[float]) -> None:
    assert _adam_weights(form) == pytest.approx(weights, abs=2e-7)


def test_bias_corrections_are_computed_in_double_precision() -> None:
    # 1 - 0.999 in float32 is 0.0010000467; the correction of the first step must undo the factor exactly.
    optimizer = Adam(learning_rate=0.1, beta1=0.9, beta2=0.999, eps=1e-8, form="eps_outside")
    row = optimizer.step_scalars(1, 1)[0].astype(np.float32)
    assert row[3] == row[6] == np.float32(0.001)


def test_step_scalars_begin_at_the_given_step() -> None:
    optimizer = Adam(learning_rate=0.1, beta1=0.9, beta2=0.999, eps=1e-8)
    assert np.array_equal(optimizer.step_scalars(1, 9)[4:], optimizer.step_scalars(5, 5))


DECLARED_SGD = SGD(learning_rate=0.5, mini_batch_size=8, momentum=0.5)
DECLARED_ADAM = DeclaredAdam(learning_rate=0.5, mini_batch_size=8, beta1=0.5, beta2=0.5, eps=0.5)


def _decided(**values: float) -> Hyperparameters:
    return Hyperparameters(epochs=1, mini_batch_size=4, learning_rate=0.1, shuffle=False, seed=0, **values)


def test_hyperparameters_of_the_job_override_the_file() -> None:
    assert optimizer_for(DECLARED_SGD, _decided(momentum=0.9), Switches()) == Sgd(0.1, 0.9)
    adam = optimizer_for(DECLARED_ADAM, _decided(beta1=0.9, beta2=0.99, eps=1e-6), Switches(adam="eps_outside"))
    assert adam == Adam(0.1, 0.9, 0.99, 1e-6, "eps_outside")


def test_sgd_without_momentum_has_none() -> None:
    assert optimizer_for(DECLARED_SGD, _decided(), Switches(momentum="lr_outside")) == Sgd(0.1, 0.0, "lr_outside")


def test_adam_without_beta2_is_refused() -> None:
    with pytest.raises(ValueError, match="beta2 is null"):
        optimizer_for(DECLARED_ADAM, _decided(beta1=0.9, eps=1e-6), Switches())
