"""A child of the fork server: limits what it may use, does one task, and ends."""

import fcntl
import math
import os
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import structlog

from pippin.errors import FaultyDocumentError, PippinError, clipped
from service.sandbox.messages import OUT_OF_SPACE, Answer, message, receive

Task = Callable[..., object]

_log = structlog.get_logger(__name__)

# A request comes from the service, which is trusted.
_MAX_REQUEST_BYTES = 2**32
# Encoded in advance, while there is memory.
_OUT_OF_MEMORY = message({"outcome": "too_large"})


def run_task(control: socket.socket, connection: socket.socket, tasks: Mapping[str, Task]) -> int:
    """Run the task that is requested on `connection`.

    The answer has two messages: `{"deadline": t}` once the limits hold, t being when the alarm will end the process in
    the time of `time.monotonic`, and the outcome of the task.

    Args:
        control: The control connection of the fork server, which this child does not need.
        connection: The connection of this task.
        tasks: Each task by its name.

    Returns:
        The exit code of the process.
    """
    control.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    # The service may have ended, or no longer wait for the answer.
    with suppress(EOFError, ConnectionError):
        _serve(connection, tasks)
    return 0


def _serve(connection: socket.socket, tasks: Mapping[str, Task]) -> None:
    request = receive(connection, max_bytes=_MAX_REQUEST_BYTES).document
    structlog.contextvars.bind_contextvars(**request["context"])
    deadline = time.monotonic() + request["limits"]["seconds"]
    limit(**request["limits"])
    connection.sendall(message({"deadline": deadline}))
    # Stop the task when the service closes the connection, which it does when the client has disconnected.
    die_when_closed(connection)
    encoded, attachment = _do(tasks, request["task"], request["arguments"])
    live_when_closed(connection)
    connection.sendall(encoded)
    connection.sendall(attachment)


def _do(tasks: Mapping[str, Task], name: str, arguments: Mapping[str, object]) -> tuple[bytes, bytes]:
    """The message to answer with, and the attachment that follows it."""
    try:
        if name not in tasks:
            raise LookupError(f"there is no task {name}; needs one of {', '.join(tasks)}")  # noqa: TRY301
        result = tasks[name](**arguments)
        answer = result if isinstance(result, Answer) else Answer(result)
        document = {"outcome": "answer", "document": answer.document, "peak_bytes": peak_bytes()}
        return message(document, answer.attachment), answer.attachment
    except MemoryError:
        # Answered after this block: the traceback keeps all memory of the task alive.
        pass
    except PippinError as error:
        return message({"outcome": "refused", **_described(error), "peak_bytes": peak_bytes()}), b""
    except OSError as error:
        if error.errno not in OUT_OF_SPACE:
            return _crashed(name, error)
        return message({"outcome": "insufficient_storage"}), b""
    except Exception as error:  # noqa: BLE001 - a traceback is for the log, a name for the service
        return _crashed(name, error)
    return _OUT_OF_MEMORY, b""


def _crashed(name: str, error: Exception) -> tuple[bytes, bytes]:
    _log.error("a task crashed", task=name, exc_info=error)
    return message({"outcome": "crashed", "kind": type(error).__name__}), b""


def _described(error: PippinError) -> dict[str, object]:
    faults = error.faults if isinstance(error, FaultyDocumentError) else ()
    clipped_faults = [[clipped(fault.pointer), clipped(fault.detail), fault.rule] for fault in faults]
    return {"kind": type(error).__name__, "text": clipped(str(error)), "faults": clipped_faults}


_NICENESS = 5


def die_when_closed(connection: socket.socket) -> None:
    """Have the kernel end this process as soon as the other end of `connection` is closed.

    Nothing may arrive on the connection meanwhile: a byte would end the process too. `live_when_closed` undoes this.
    Linux only: sockets of BSD also signal a read at the other end. Elsewhere the process lives until its alarm.
    """
    if sys.platform != "linux":
        return
    # SIGIO ends a process that does not handle it (fcntl(2), F_SETOWN).
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(connection, fcntl.F_SETOWN, os.getpid())
    fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) | os.O_ASYNC)
    # The connection may have been closed before this call.
    if select.select([connection], [], [], 0)[0]:
        os._exit(1)


def live_when_closed(connection: socket.socket) -> None:
    """Undo `die_when_closed`."""
    if sys.platform == "linux":
        fcntl.fcntl(connection, fcntl.F_SETFL, fcntl.fcntl(connection, fcntl.F_GETFL) & ~os.O_ASYNC)


def limit(seconds: float, memory_bytes: int | None, open_files: int) -> None:
    """Limit what this process may use from now on.

    Args:
        seconds: When the kernel ends it, even in the middle of a system call or of native code.
        memory_bytes: How much it may allocate in addition to what it holds now; None sets no limit. Linux only.
        open_files: How many files it may have open.
    """
    os.nice(_NICENESS)
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_NOFILE, open_files)
    # In case the process blocks the alarm.
    _lower(resource.RLIMIT_CPU, math.ceil(seconds) + 1)
    if sys.platform == "linux":
        if memory_bytes is not None:
            # RLIMIT_AS would count pages that are mapped and never written. Both count memory that came with the fork.
            _lower(resource.RLIMIT_DATA, _data_bytes() + memory_bytes)
        # When the machine runs out of memory, the kernel kills this process before the service and Redis.
        with suppress(OSError):
            Path("/proc/self/oom_score_adj").write_text("1000")
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGALRM})
    # 0 would set no alarm.
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))


def peak_bytes() -> int:
    """The peak memory of this process, including memory that came with the fork."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Kilobytes, but on macOS bytes (getrusage(2)).
    return peak if sys.platform == "darwin" else peak * 1024


def _lower(which: int, value: int) -> None:
    """Set a limit, or leave one that is lower already."""
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    resource.setrlimit(which, (value, value))


def _data_bytes() -> int:
    """The size that RLIMIT_DATA limits, as it is now (proc_pid_status(5))."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
