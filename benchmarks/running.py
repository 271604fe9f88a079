"""Runs a separate Pippin with `pippin up` for the duration of a benchmark."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType


@contextmanager
def running_pippin(environment: Mapping[str, str] = MappingProxyType({})) -> Iterator[tuple[str, int]]:
    """Run Pippin in a temporary home; yield its address and the process id of the supervisor.

    Args:
        environment: Variables to set in addition to those of this process.
    """
    with tempfile.TemporaryDirectory(prefix="pippin-bench-") as home:
        supervisor = subprocess.Popen(
            [sys.executable, "-m", "pippin", "up", "--port", "0", "--home", home, "--json"],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert supervisor.stdout is not None
            yield json.loads(supervisor.stdout.readline())["url"], supervisor.pid
        finally:
            supervisor.send_signal(signal.SIGTERM)
            supervisor.wait(timeout=30)
