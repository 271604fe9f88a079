"""`python -m service.sandbox`: the nursery, which imports what tasks need, computes nothing, and forks a child a task.

A fork of it begins its task in milliseconds; a fresh interpreter pays seconds of imports. It lives as long as the
service keeps the other end of its control connection, on which every byte brings one task's connection.
"""

import gc
import importlib
import json
import os
import signal
import socket
import sys
from collections.abc import Mapping
from typing import cast

import structlog

from pippin.system import logs
from service.sandbox.child import Task, run_and_exit

_log = structlog.get_logger(__name__)


def main() -> None:
    """Serve until the service is gone; `service.sandbox.nursery` says what the arguments are."""
    control = socket.socket(fileno=int(sys.argv[1]))
    setup = json.loads(sys.argv[2])
    # As the service, which has checked it, and whose other settings do not come here.
    logs.configure("info", cast("logs.Format", os.environ.get("PIPPIN_LOG_FORMAT", "auto")))
    sys.path.extend(setup["paths"])
    tasks = {name: _load(place) for name, place in setup["tasks"].items()}
    # Children share the memory of what is there by now; a collection would write to all of it.
    gc.collect()
    gc.freeze()
    # The kernel buries the children. Imports may have run programs of their own, so only now.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    _serve(control, tasks)
    # Children and all. The service made it a group of its own.
    os.killpg(0, signal.SIGKILL)


def _load(place: str) -> Task:
    module, _, function = place.partition(":")
    task: Task = getattr(importlib.import_module(module), function)
    return task


def _serve(control: socket.socket, tasks: Mapping[str, Task]) -> None:
    nursery = os.getpid()
    while True:
        byte, received, _, _ = socket.recv_fds(control, 1, 1)
        if not byte:
            return
        for descriptor in received:
            with socket.socket(fileno=descriptor) as connection:
                try:
                    child = os.fork()
                except OSError:
                    # The service notices when the connection is closed.
                    _log.exception("a child could not be started")
                    continue
                if child == 0:
                    control.close()
                    run_and_exit(connection, tasks, nursery)


if __name__ == "__main__":
    main()
