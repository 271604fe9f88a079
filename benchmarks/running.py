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
    """Yield its address and the supervisor's process id; its home is temporary.

    Args:
        environment: Variables to set beside those of this process.
    """
    with tempfile.TemporaryDirectory(prefix="pippin-bench-") as home:
        up = subprocess.Popen(
            [sys.executable, "-m", "pippin", "up", "--port", "0", "--home", home, "--json"],
            env={**os.environ, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert up.stdout is not None
            yield json.loads(up.stdout.readline())["url"], up.pid
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(timeout=30)
