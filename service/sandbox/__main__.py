"""`python -m service.sandbox`: the fork server. It imports what tasks need and forks one child for each task.

A forked child starts its task in milliseconds; a new interpreter spends seconds on imports. The fork server ends when
the service closes the other end of the control connection, on which every byte carries the connection of one task.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from functools import partial
from typing import cast

import structlog

from pippin.system import logs
from pippin.system.processes import fork_and_run
from service.sandbox.child import Task, run_task

_log = structlog.get_logger(__name__)


def main() -> None:
    """Serve until the service ends. `service.sandbox.fork_server` passes the arguments."""
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = json.loads(sys.argv[2])
    # The log format of the service, which has validated it; its other settings are not passed on.
    logs.configure("info", cast("logs.Format", os.environ.get("PIPPIN_LOG_FORMAT", "auto")))
    sys.path.extend(setup["paths"])
    tasks = {name: _load(location) for name, location in setup["tasks"].items()}
    # Children share the memory of all objects so far; a garbage collection would write to all of it.
    gc.collect()
    gc.freeze()
    # SIGCHLD is ignored, so the kernel reaps the children. Only after the imports, which may wait for programs.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _serve(control, tasks)
    # This process and its children: the service started it as a process group.
    os.killpg(0, signal.SIGKILL)


def _load(location: str) -> Task:
    module, _, function = location.partition(":")
    task: Task = getattr(importlib.import_module(module), function)
    return task


def _serve(control: socket.socket, tasks: Mapping[str, Task]) -> None:
    while True:
        byte, received, _, _ = socket.recv_fds(control, 1, 1)
        if not byte:
            return
        for descriptor in received:
            with socket.socket(fileno=descriptor) as connection:
                try:
                    fork_and_run(partial(run_task, control, connection, tasks))
                except OSError:
                    # The service notices that the connection is closed.
                    _log.exception("starting a child failed")


if __name__ == "__main__":
    main()
