"""`pippin up` where Core ML can train: its worker runs beside the jax one, on the stand-in for Apple's frameworks."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from pippin.client import Client

APPLE = Path(__file__).parents[1] / "apple"

# As the command line does, on a machine of which is said what it can do.
_UP = """
import sys
from pippin.settings import Settings
from pippin.local import up

up(
    Settings(port=0),
    1,
    say=lambda who, line: print(f"{who}: {line}", file=sys.stderr, flush=True),
    ready=lambda found: print(found.url, flush=True),
    coreml=lambda say: True,
)
"""


def test_a_core_ml_worker_runs_beside_the_jax_one(tmp_path: Path, wait_until: Callable[..., None]) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIPPIN_")}
    environment |= {"PIPPIN_HOME": str(tmp_path / "home"), "PYTHONPATH": os.pathsep.join([*sys.path, str(APPLE)])}
    log = tmp_path / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-P", "-c", _UP], env=environment, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            assert url, log.read_text()
            with Client(url) as client:
                wait_until(
                    lambda: (
                        sorted(engine for worker in client.workers() for engine in worker.engines) == ["coreml", "jax"]
                    ),
                    otherwise=log,
                )
        finally:
            process.terminate()
            assert process.wait(30) == 0
    assert "coreml: " in log.read_text()
