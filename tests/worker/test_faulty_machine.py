"""A worker on a machine that cannot train: its cache cannot be written, as on a full disk."""

import shutil
from pathlib import Path

import pytest

from pippin.api.states import Reason, Status
from tests.support.waiting import wait_for
from tests.worker.conftest import Bench, Start

# Whole processes take their time.
pytestmark = pytest.mark.full


def test_worker_pauses_between_failed_attempts_and_can_be_stopped(
    *, bench: Bench, start: Start, home: Path, tmp_path: Path
) -> None:
    worker = start(PIPPIN_HOME=str(tmp_path), PIPPIN_BLOBS_URL=(home / "blobs").as_uri())
    wait_for(lambda: "ready" in worker.log)
    cache = tmp_path / "cache" / "blobs"
    shutil.rmtree(cache, ignore_errors=True)
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("where a folder belongs")
    failed = bench.wait_until(bench.submit(max_attempts=3), Status.FAILED)
    assert [each.status for each in failed.attempts] == ["lost"] * 3
    assert failed.reason is not None
    assert failed.reason.code is Reason.WORKER_LOST
    assert "could not be read or written" in failed.reason.detail
    wait_for(lambda: worker.log.count("pausing: consecutive attempts") == 2)
    assert worker.stop() == 0
