"""`pippin up` on a machine with Core ML, on the stand-in for Apple's frameworks: a second worker runs beside jax."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pippin.client import Client
from tests.support.environment import clean_environment
from tests.support.paths import APPLE
from tests.support.processes import stdout_of
from tests.support.waiting import wait_for

# Whole processes take their time.
pytestmark = pytest.mark.full


# As the command line calls `up`, with Core ML declared available.
_UP = """
import sys
from pippin.settings import Settings
from pippin.local.up import up

up(
    Settings(port=0),
    1,
    print_line=lambda part, line: print(f"{part}: {line}", file=sys.stderr, flush=True),
    ready=lambda ready: print(ready.url, flush=True),
    coreml=lambda print_line: True,
)
"""


def test_a_core_ml_worker_runs_beside_the_jax_one(tmp_path: Path) -> None:
    path = os.pathsep.join([*sys.path, str(APPLE)])
    environment = clean_environment(PIPPIN_HOME=str(tmp_path / "home"), PYTHONPATH=path)
    log = tmp_path / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-P", "-c", _UP], env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            url = stdout_of(process).readline().strip()
            assert url, log.read_text()
            with Client(url) as client:
                wait_for(
                    lambda: (
                        sorted(engine for worker in client.workers() for engine in worker.engines) == ["coreml", "jax"]
                    ),
                    otherwise=log,
                )
        finally:
            process.terminate()
            assert process.wait(30) == 0
    assert "coreml: " in log.read_text()
