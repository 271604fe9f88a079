"""The candidate formulas beside steps worked out by hand."""

import numpy as np
import pytest

from worker.parity.problem import Adam, AdamForm, Momentum, Rules, Sgd
from worker.parity.reference import optimizer_of


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        # v = 0.1, then 0.05 + 0.01.
        ("lr_inside", [0.1, 0.06]),
        # v = 1, then 1.5.
        ("lr_outside", [0.1, 0.015]),
        # v as inside; 0.05 + 0.1, then 0.03 + 0.01.
        ("nesterov", [0.15, 0.04]),
        # v = 0.05, then 0.025 + 0.005.
        ("dampened", [0.05, 0.03]),
    ],
)
def test_the_forms_of_momentum(form: Momentum, expected: list[float]) -> None:
    optimizer = optimizer_of(Sgd(momentum=0.5), Rules(momentum=form))
    steps = [optimizer.steps({"w": np.array([1.0])}, rate)["w"].item() for rate in (0.1, 0.01)]
    assert steps == pytest.approx(expected)


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        # m = 1, then 1.5; v = 1, then 1.75; corrected both times 2 and 4.
        ("eps_outside", [2 / 3, 2 / 3]),
        ("eps_in_root", [2 / 5**0.5, 2 / 5**0.5]),
        ("uncorrected", [1 / 2, 1.5 / (1.75**0.5 + 1)]),
        # The corrections are 0.5 and 0.25, then 0.75 and 0.4375.
        ("eps_hat", [1 / 2, 0.4375**0.5 / 0.75 * 1.5 / (1.75**0.5 + 1)]),
    ],
)
def test_the_forms_of_adam(form: AdamForm, expected: list[float]) -> None:
    optimizer = optimizer_of(Adam(beta1=0.5, beta2=0.75, eps=1), Rules(adam=form))
    steps = [optimizer.steps({"w": np.array([2.0])}, 1.0)["w"].item() for _ in range(2)]
    assert steps == pytest.approx(expected)
