from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from worker.engines.jax.optimizers.sgd import Sgd
from worker.engines.jax.switches import Momentum


def _weights(form: Momentum, steps: list[tuple[float, float]]) -> list[float]:
    weight, moments = jnp.float32(1), (jnp.float32(0),)
    found = []
    for gradient, rate in steps:
        optimizer = Sgd(learning_rate=rate, momentum=0.9, form=form)
        row: tuple[Any, ...] = tuple(np.float32(optimizer.rows(1, 1)[0]))
        weight, moments = optimizer.update(weight, moments, jnp.float32(gradient), row)
        found.append(float(weight))
    return found


def test_momentum_with_the_learning_rate_inside() -> None:
    #   g     lr     v = 0.9 v + lr g           w = w - v
    #   0.5   0.1    0.05                       0.95
    #  -0.2   0.1    0.045 - 0.02  =  0.025     0.925
    #   0.4   0.01   0.0225 + 0.004 = 0.0265    0.8985
    #   0     0.01   0.02385                    0.87465
    found = _weights("lr_inside", [(0.5, 0.1), (-0.2, 0.1), (0.4, 0.01), (0, 0.01)])
    assert found == pytest.approx([0.95, 0.925, 0.8985, 0.87465], abs=1e-7)


def test_momentum_with_the_learning_rate_outside() -> None:
    #   g     lr     v = 0.9 v + g              w = w - lr v
    #   0.5   0.1    0.5                        0.95
    #  -0.2   0.1    0.45 - 0.2   =  0.25       0.925
    #   0.4   0.01   0.225 + 0.4  =  0.625      0.91875
    #   0     0.01   0.5625                     0.913125
    found = _weights("lr_outside", [(0.5, 0.1), (-0.2, 0.1), (0.4, 0.01), (0, 0.01)])
    assert found == pytest.approx([0.95, 0.925, 0.91875, 0.913125], abs=1e-7)


def test_the_two_forms_agree_while_the_learning_rate_stays() -> None:
    steps = [(0.5, 0.1), (-0.2, 0.1), (0.4, 0.1), (1.5, 0.1)]
    assert _weights("lr_inside", steps) == pytest.approx(_weights("lr_outside", steps), abs=1e-7)


def test_every_step_has_its_row() -> None:
    assert Sgd(learning_rate=0.25, momentum=0.5).rows(7, 3).tolist() == [[0.25, 0.5]] * 3
