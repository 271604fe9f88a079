"""The service as a process of its own on the tests' Valkey, with its log."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import pytest

from tests.support.environment import clean_environment


class Process:
    """The service as `pippin up` starts it."""

    def __init__(self, valkey_url: str, home: Path, **variables: str) -> None:
        usual = {"PIPPIN_REDIS_URL": valkey_url, "PIPPIN_HOME": str(home), "PIPPIN_PORT": "0"}
        environment = clean_environment(**{name: value for name, value in (usual | variables).items() if value})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "service"], env=environment, stderr=subprocess.PIPE, text=True
        )
        self.log: list[dict[str, Any]] = []

    def address(self) -> str:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(json.loads(line))
            if self.log[-1]["event"] == "listening":
                host, port = self.log[-1]["address"]
                return f"http://{host}:{port}"
        pytest.fail(f"the service did not start: {self.log}")

    def resident_megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS"))
        return int(kilobytes) / 1000

    def ask_to_stop(self) -> None:
        """Send SIGTERM."""
        self.process.send_signal(signal.SIGTERM)

    def terminate(self) -> None:
        self.ask_to_stop()
        _, rest = self.process.communicate(timeout=60)
        self.log += [json.loads(line) for line in rest.splitlines()]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()
