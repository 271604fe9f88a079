"""The kit examines Core ML's engine on the stand-in of Apple's frameworks, set to one formula after another.

Several settings of the stand-in change in one run, so that an answer that depends on another case would be wrong.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from worker.parity.__main__ import main

# Many trainings.
pytestmark = pytest.mark.full


FILLED = "filled up with the first examples of the order, all counted"
CHOSEN = {
    "momentum": "v = m v + lr g; w = w - v",
    "adam": "eps beside the root of the uncorrected v",
    "mse_gradient": "mean over batch and outputs",
    "mse_loss": "mean over batch and outputs",
    "last_batch": FILLED,
    "large_batch": FILLED,
    "epoch_loss": "the examples, each of them once",
    "rate_zero": "unchanged",
    "shuffle_repeats": "the same order",
    "compute_units": "single precision",
    "kernels": "outputs, inputs, height, width",
}
HALF_MEAN = "1/2 of the mean over batch and outputs"
SUM = "mean over the batch, sum over outputs"
HALF_SUM = "1/2 of mean over the batch, sum over outputs"


Parity = Callable[..., tuple[int, dict[str, dict[str, Any]]]]


@pytest.fixture
def parity(apple: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Parity:
    """Runs the kit on the stand-in with these knobs; returns the exit code and the cases of the JSON document."""

    def run(*arguments: str, **knobs: str) -> tuple[int, dict[str, dict[str, Any]]]:
        apple.setenv("PIPPIN_HOME", str(tmp_path))
        for name, value in knobs.items():
            apple.setenv(f"APPLE_STANDIN_{name}", value)
        code = main(["--json", *arguments])
        document = json.loads(capsys.readouterr().out)
        assert document["engine"] == "coreml"
        assert all(case["evidence"] for case in document["cases"])
        return code, {case["case"]: case for case in document["cases"]}

    return run


@pytest.mark.parametrize(
    ("knobs", "others"),
    [
        ({}, {}),
        (
            {"MOMENTUM": "lr_outside", "ADAM": "eps_outside", "MSE": "half_mean", "LOSS_VALUE": "batches"},
            {
                "momentum": "v = m v + g; w = w - lr v",
                "adam": "eps beside the root of the corrected v",
                "mse_gradient": HALF_MEAN,
                "mse_loss": HALF_MEAN,
                "epoch_loss": "the mini-batches, with what fills up the last",
            },
        ),
        (
            {"MSE": "sum", "LOSS_VALUE": "last", "LAST_BATCH": "own_size"},
            {
                "mse_gradient": SUM,
                "mse_loss": SUM,
                "last_batch": "divided by its own size",
                "large_batch": "divided by its own size",
                "epoch_loss": "nothing: it is that of the last mini-batch's own examples",
            },
        ),
        (
            # The stand-in drops a smaller mini-batch only where there are others.
            {"MSE": "half_sum", "LAST_BATCH": "dropped"},
            {
                "mse_gradient": HALF_SUM,
                "mse_loss": HALF_SUM,
                "last_batch": "dropped",
                "large_batch": "divided by its own size",
                "epoch_loss": "the full mini-batches",
            },
        ),
    ],
    ids=["as chosen", "second", "third", "fourth"],
)
def test_each_formula_is_recognized(parity: Parity, knobs: dict[str, str], others: dict[str, str]) -> None:
    code, cases = parity(**knobs)
    assert code == (1 if others else 0)
    for name, expected in (CHOSEN | others).items():
        case = cases[name]
        assert (case["error"], case["nearest"], case["fits"]) == (None, expected, True), case
    assert cases["shuffle_order"]["nearest"].startswith("libc++'s order ")


def test_order_other_than_core_mls_is_detected(parity: Parity) -> None:
    code, cases = parity("--case", "shuffle_order", ORDER="other")
    assert code == 1
    assert cases["shuffle_order"]["fits"]
    assert cases["shuffle_order"]["nearest"].startswith("order ")


def test_weights_in_another_layout_are_reported_as_a_failure(parity: Parity) -> None:
    code, cases = parity("--case", "kernels", LAYOUT="transposed")
    assert code == 1
    assert cases["kernels"]["nearest"] is None
    assert cases["kernels"]["error"].startswith("engine_error: ")
