"""The kit examines Core ML's engine on the stand-in of Apple's frameworks, set to one formula after another.

Several settings of the stand-in change in one run, so that an answer that depends on another case would be wrong.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.paths import ROOT

# Whole processes take their time.
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


def _parity(home: Path, *arguments: str, **knobs: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIPPIN_", "APPLE_STANDIN_"))}
    environment = {
        "PIPPIN_HOME": str(home),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/apple")]),
        **{f"APPLE_STANDIN_{name}": value for name, value in knobs.items()},
    }
    return subprocess.run(
        [sys.executable, "-P", "-m", "worker.parity", "--json", *arguments],
        env=kept | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def _cases(done: subprocess.CompletedProcess[str]) -> dict[str, dict[str, Any]]:
    assert done.returncode in {0, 1}, done.stderr
    document = json.loads(done.stdout)
    assert document["engine"] == "coreml"
    assert all(case["evidence"] for case in document["cases"])
    return {case["case"]: case for case in document["cases"]}


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
def test_each_formula_is_recognized(knobs: dict[str, str], others: dict[str, str], tmp_path: Path) -> None:
    done = _parity(tmp_path, **knobs)
    assert done.returncode == (1 if others else 0)
    cases = _cases(done)
    for name, expected in (CHOSEN | others).items():
        assert cases[name]["error"] is None
        assert (cases[name]["nearest"], cases[name]["fits"]) == (expected, True), cases[name]
    assert cases["shuffle_order"]["nearest"].startswith("libc++'s order ")


def test_order_other_than_core_mls_is_detected(tmp_path: Path) -> None:
    done = _parity(tmp_path, "--case", "shuffle_order", ORDER="other")
    assert done.returncode == 1
    case = _cases(done)["shuffle_order"]
    assert case["fits"]
    assert case["nearest"].startswith("order ")


def test_weights_in_another_layout_are_reported_as_a_failure(tmp_path: Path) -> None:
    done = _parity(tmp_path, "--case", "kernels", LAYOUT="transposed")
    assert done.returncode == 1
    case = _cases(done)["kernels"]
    assert case["nearest"] is None
    assert case["error"].startswith("engine_error: ")
