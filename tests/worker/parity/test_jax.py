"""The parity kit on the engine jax: its defaults match Pippin's choices, and each switch matches its candidate."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import clean_environment
from worker.engines.jax.engine import JaxEngine
from worker.engines.jax.switches import Switches
from worker.parity.cases import CASES, Case
from worker.parity.comparison import compare, document, verdict

# Each case compiles a program of its own.
pytestmark = pytest.mark.full


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_nearest_candidate_is_the_choice_in_each_case(case: Case) -> None:
    shown = compare(case, JaxEngine())
    assert shown.nearest == case.candidates[0].name
    assert shown.as_chosen
    assert verdict(shown) == f"as Pippin has chosen: {shown.nearest}"


@pytest.mark.parametrize(
    ("name", "switches", "nearest"),
    [
        ("momentum", Switches(momentum="lr_outside"), "v = m v + g; w = w - lr v"),
        ("adam", Switches(adam="eps_outside"), "eps beside the root of the corrected v"),
        ("last_batch", Switches(last_batch="own_size"), "divided by its own size"),
        ("large_batch", Switches(last_batch="own_size"), "divided by its own size"),
        ("shuffle_order", Switches(order="pippin"), "Pippin's order 2 0 1, then 2 1 0"),
    ],
)
def test_changed_switch_is_recognized(name: str, switches: Switches, nearest: str) -> None:
    (case,) = (case for case in CASES if case.name == name)
    shown = compare(case, JaxEngine(switches))
    assert shown.nearest == nearest
    assert shown.fits
    assert verdict(shown) == f"NOT as Pippin has chosen, but: {nearest}"
    (row,) = json.loads(json.dumps(document("jax", [shown]), allow_nan=False))["cases"]
    assert row["choice"] == case.candidates[0].name
    assert row["nearest"] == nearest
    assert [each["candidate"] for each in row["candidates"]] == [each.name for each in case.candidates]


def test_the_environment_sets_the_switches(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "worker.parity", "--engine", "jax", "--case", "last_batch", "--json"],
        env=clean_environment(PIPPIN_HOME=str(tmp_path), PIPPIN_JAX_LAST_BATCH="own_size"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    (case,) = json.loads(done.stdout)["cases"]
    assert (case["nearest"], case["fits"]) == ("divided by its own size", True)
    assert case["evidence"] == "confirmed by a published run"
