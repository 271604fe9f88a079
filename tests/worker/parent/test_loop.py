import threading
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from pippin.models.mlmodel import Weights
from pippin.settings import Settings
from tests.support.waiting import wait_for
from worker.engines.engine import Observer, TrainingRun
from worker.parent.loop import work
from worker.parent.shutdown import Shutdown


class Idle:
    """An engine whose `train` fails the test."""

    name = "jax"

    def warm_up(self) -> None:
        pass

    def train(self, run: TrainingRun, observer: Observer) -> Weights:
        pytest.fail(f"{run} reached the parent, with {observer}")


@pytest.mark.full
def test_worker_waits_for_absent_redis_and_logs_it(tmp_path: Path) -> None:
    settings = Settings(redis_url="redis://:s3cret@127.0.0.1:1/0", home=tmp_path)
    shutdown = Shutdown()
    worker = threading.Thread(
        target=work, args=(settings, Idle(), shutdown), kwargs={"name": "bench", "start_method": "fork"}, daemon=True
    )
    with capture_logs() as lines:
        worker.start()
        wait_for(lambda: any("cannot be reached" in line["event"] for line in lines))
        shutdown._on_signal(15, None)
        worker.join(60)
    assert not worker.is_alive()
    assert lines[-1]["event"] == "stopped"
    assert "s3cret" not in str(lines)
