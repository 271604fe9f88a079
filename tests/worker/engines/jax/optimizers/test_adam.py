import jax.numpy as jnp
import numpy as np
import pytest

from worker.engines.jax.optimizers import Adam
from worker.engines.jax.switches import AdamForm

GRADIENTS = (1, 2, -1, 0)


def _weights(form: AdamForm) -> list[float]:
    optimizer = Adam(learning_rate=0.1, beta1=0.5, beta2=0.75, eps=0.1, form=form)
    rows = np.float32(optimizer.rows(1, len(GRADIENTS)))
    weight, moments = jnp.float32(1), (jnp.float32(0), jnp.float32(0))
    found = []
    for gradient, row in zip(GRADIENTS, rows, strict=True):
        weight, moments = optimizer.update(weight, moments, jnp.float32(gradient), tuple(row))
        found.append(float(weight))
    return found


def test_adam_with_eps_outside_of_the_correction() -> None:
    # lr 0.1, beta1 1/2, beta2 3/4, eps 0.1
    #   g    m = (m + g)/2   v = (3v + g^2)/4   1-1/2^t  1-(3/4)^t   m^       v^         0.1 m^ / (sqrt v^ + 0.1)
    #   1    0.5             0.25               0.5      0.25        1        1          0.1 / 1.1
    #   2    1.25            1.1875             0.75     0.4375      1.66667  2.714286   0.1666667 / 1.7475089
    #  -1    0.125           1.140625           0.875    0.578125    0.142857 1.972973   0.0142857 / 1.5046256
    #   0    0.0625          0.85546875         0.9375   0.68359375  0.066667 1.251429   0.0066667 / 1.2186727
    assert _weights("eps_outside") == pytest.approx([0.9090909, 0.8137171, 0.8042225, 0.7987521], abs=2e-7)


def test_adam_with_eps_beside_the_uncorrected_root() -> None:
    # The same m and v; the step is 0.1 sqrt(1-(3/4)^t) / (1-1/2^t) * m / (sqrt v + 0.1)
    #   0.1 * 0.5       / 0.5    * 0.5    / (0.5       + 0.1)  =  0.0833333
    #   0.1 * 0.6614378 / 0.75   * 1.25   / (1.0897247 + 0.1)  =  0.0926598
    #   0.1 * 0.7603453 / 0.875  * 0.125  / (1.0680005 + 0.1)  =  0.0092997
    #   0.1 * 0.8267973 / 0.9375 * 0.0625 / (0.9249155 + 0.1)  =  0.0053780
    assert _weights("eps_hat") == pytest.approx([0.9166667, 0.8240069, 0.8147072, 0.8093292], abs=2e-7)


def test_corrections_are_exact_where_float32_would_lose_them() -> None:
    # 1 - 0.999 in float32 is 0.0010000467; the correction of the first step must undo the factor exactly.
    row = np.float32(Adam(learning_rate=0.1, beta1=0.9, beta2=0.999, eps=1e-8, form="eps_outside").rows(1, 1)[0])
    assert row[3] == row[6] == np.float32(0.001)


def test_rows_begin_at_the_step_that_is_asked_for() -> None:
    optimizer = Adam(learning_rate=0.1, beta1=0.9, beta2=0.999, eps=1e-8)
    assert np.array_equal(optimizer.rows(1, 9)[4:], optimizer.rows(5, 5))
