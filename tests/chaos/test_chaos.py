"""Jobs succeed, with each epoch once, whatever is killed, frozen or unavailable; `make chaos` is the full size."""

from pathlib import Path

import pytest

from tests.chaos import losses
from tests.chaos.campaign import Size
from tests.chaos.faults import Fault
from tests.chaos.table import lines
from tests.chaos.whole import run

# Shorter intervals, so that Pippin recovers from a fault within seconds.
HASTE: dict[str, object] = {
    "lease_renew_seconds": 1,
    "reaper_interval_seconds": 0.5,
    "reaper_grace_seconds": 2,
}


@pytest.mark.full
@pytest.mark.timeout(600)
def test_faults_lose_repeat_and_damage_nothing(tmp_path: Path) -> None:
    size = Size(15, 6, epochs=32, lease_seconds=5, outage_seconds=6, settings=HASTE)
    result = run(tmp_path, size, seed=1)
    table = "\n".join(lines(result))
    print(table)  # noqa: T201 - shown when the test fails, or with -s
    assert not result.wrong, table
    assert {each.fault for each in result.outcome.injections} == {*Fault}
    assert result.failed_blob_calls.total() > 0


@pytest.mark.full
@pytest.mark.timeout(600)
def test_lost_records_and_damaged_caches_keep_blobs_and_access_control(tmp_path: Path) -> None:
    printed: list[str] = []
    wrong = losses.run(tmp_path, say=printed.append, sweeps=6)
    assert not wrong, "\n".join([*printed, *wrong])
