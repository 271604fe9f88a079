"""A learning rate that changes from epoch to epoch."""

from dataclasses import replace

import numpy as np
import pytest

from pippin.models.mlmodel import read
from tests.worker.engines import lab
from tests.worker.engines.lab import SOFTMAX, Notes
from worker.engines.engine import TrainingRun
from worker.engines.jax.engine import JaxEngine
from worker.engines.jax.switches import Switches


def _run(*rates: float) -> TrainingRun:
    """y = w x + b from w = 1 and b = 0, an epoch for each rate."""
    file = lab.model(
        [lab.dense("line", 1, weights=[[1.0]], bias=[0.0])],
        shape=[1],
        outputs=1,
        loss="mean_squared_error",
        optimizer=lab.optimizer("sgd", mini_batch_size=2, momentum=0.5),
    )
    examples = lab.examples(x=np.float32([[1], [-1]]), y_true=np.float32([[0], [0]]))
    run = lab.run(file, examples, epochs=len(rates), momentum=0.5, mini_batch_size=2)
    return replace(run, learning_rates=rates)


@pytest.mark.parametrize(
    ("switches", "expected"),
    [
        # g = 2 w: 2, then 1.6. v = 0.2, then 0.5 * 0.2 + 0.05 * 1.6 = 0.18.
        (Switches(momentum="lr_inside"), 0.62),
        # v = 2, then 0.5 * 2 + 1.6 = 2.6; the steps are 0.2 and 0.13.
        (Switches(momentum="lr_outside"), 0.67),
    ],
)
def test_each_epoch_uses_its_own_learning_rate(switches: Switches, expected: float, notes: Notes) -> None:
    trained = lab.train(JaxEngine(switches), _run(0.1, 0.05), notes)
    assert trained["line"]["weights"].item() == pytest.approx(expected, abs=1e-6)


def test_learning_rates_override_the_hyperparameter(notes: Notes) -> None:
    run = _run(0.0, 0.0)
    assert lab.train(JaxEngine(), run, notes)["line"]["weights"] == read(run.model).weights["line"]["weights"]


@pytest.mark.parametrize("kind", ["sgd", "adam"])
def test_equal_rate_in_every_epoch_changes_no_bit(kind: str, notes: Notes) -> None:
    values = {"sgd": {"momentum": 0.9}, "adam": {"beta1": 0.9, "beta2": 0.99, "eps": 1e-4}}[kind]
    file = lab.model([lab.dense("dense", 2), SOFTMAX], shape=[3], optimizer=lab.optimizer(kind, **values))
    random = np.random.default_rng(1)
    examples = lab.examples(x=random.normal(size=(6, 3)).astype(np.float32), y_true=random.integers(0, 2, (6, 1)))
    run = lab.run(file, examples, epochs=3, learning_rate=0.1, **values)
    plain = lab.train(JaxEngine(), run, notes)
    scheduled = lab.train(JaxEngine(), replace(run, learning_rates=(0.1, 0.1, 0.1)), notes)
    assert plain["dense"]["weights"].tobytes() == scheduled["dense"]["weights"].tobytes()


def test_wrong_number_of_learning_rates_is_refused(notes: Notes) -> None:
    run = replace(_run(0.1, 0.05), learning_rates=(0.1,))
    with pytest.raises(ValueError, match="1 learning rates were given for 2 epochs"):
        JaxEngine().train(run, notes)
