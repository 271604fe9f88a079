"""A published training of a real Mac, replayed through `pippin up`: the default rules reproduce its weights."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.environment import clean_environment
from tests.support.paths import ROOT

RUN = Path(os.environ.get("MAC_RUN", ROOT.parent / "shared/data/mac-run"))


@pytest.mark.full
@pytest.mark.timeout(1200)
@pytest.mark.skipif(
    not (RUN / "housing-500-epochs.npz").is_file(),
    reason="the published run is not part of Pippin: name its folder in MAC_RUN (docs/semantics.md says what it holds)",
)
def test_only_the_default_rules_reproduce_the_macs_weights() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "benchmarks/replay.py"), "--from", str(RUN)],
        env=clean_environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    distances = {line[8:]: float(line[:6]) for line in done.stdout.splitlines() if line[:6].strip()[:1].isdigit()}
    assert len(distances) == 13
    # No other rule of the table gives similar weights.
    near = [rule for rule, distance in distances.items() if distance <= 1.0]
    assert near == ["libc++'s order, last mini-batch filled: the defaults", "the defaults once more"]
