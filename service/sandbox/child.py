"""What a child of the nursery does: one task, within its limits."""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import NoReturn

import structlog

from pippin.errors import FaultyDocumentError, PippinError, clipped
from service.sandbox import wire
from service.sandbox.errors import NO_ROOM
from service.sandbox.limits import die_with, die_without, limit, live_without, peak_bytes

Task = Callable[..., object]

_log = structlog.get_logger(__name__)

# A request comes from the service, which is trusted.
_LONGEST_REQUEST = 2**32
# Made before there is a shortage of memory.
_OUT_OF_MEMORY = wire.message({"outcome": "too_large"})


def run_and_exit(connection: socket.socket, tasks: Mapping[str, Task], parent: int) -> NoReturn:
    """Do the task that `connection` asks for, and end the process.

    Two messages are the answer: `{"deadline": t}` once the limits hold, t being when the alarm will end the process in
    the time of `time.monotonic`, and what became of the task.

    Args:
        connection: The task's own.
        tasks: What may be asked for.
        parent: The nursery's process id.
    """
    # Whatever happens, the nursery's frames below this one must never go on in a child.
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        die_with(parent)
        # The service may have ended, or have given up waiting.
        with suppress(EOFError, ConnectionError):
            _serve(connection, tasks)
        code = 0
    except BaseException:  # noqa: BLE001 - see above
        sys.excepthook(*sys.exc_info())
    finally:
        with suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _serve(connection: socket.socket, tasks: Mapping[str, Task]) -> None:
    request = wire.receive(connection, most=_LONGEST_REQUEST).document
    structlog.contextvars.bind_contextvars(**request["context"])
    deadline = time.monotonic() + request["limits"]["seconds"]
    limit(**request["limits"])
    connection.sendall(wire.message({"deadline": deadline}))
    # Who does not wait for the answer any more wants no work to go into it.
    die_without(connection)
    message, attachment = _do(tasks, request["task"], request["arguments"])
    live_without(connection)
    connection.sendall(message)
    connection.sendall(attachment)


def _do(tasks: Mapping[str, Task], name: str, arguments: Mapping[str, object]) -> tuple[bytes, bytes]:
    """What to answer: a message, and the attachment that follows it."""
    try:
        if name not in tasks:
            raise LookupError(f"found no task called {name}; needs one of {', '.join(tasks)}")  # noqa: TRY301
        result = tasks[name](**arguments)
        answer = result if isinstance(result, wire.Answer) else wire.Answer(result)
        document = {"outcome": "answer", "document": answer.document, "peak_bytes": peak_bytes()}
        return wire.message(document, answer.attachment), answer.attachment
    except MemoryError:
        # Its traceback holds on to all that the task has hoarded.
        pass
    except PippinError as error:
        return wire.message({"outcome": "refused", **_described(error), "peak_bytes": peak_bytes()}), b""
    except OSError as error:
        if error.errno not in NO_ROOM:
            return _crashed(name, error)
        return wire.message({"outcome": "no_room"}), b""
    except Exception as error:  # noqa: BLE001 - a traceback is for the log, a name for the service
        return _crashed(name, error)
    return _OUT_OF_MEMORY, b""


def _crashed(name: str, error: Exception) -> tuple[bytes, bytes]:
    _log.error("a task crashed", task=name, exc_info=error)
    return wire.message({"outcome": "crashed", "kind": type(error).__name__}), b""


def _described(error: PippinError) -> dict[str, object]:
    found = error.faults if isinstance(error, FaultyDocumentError) else ()
    faults = [[clipped(fault.pointer), clipped(fault.detail), fault.rule] for fault in found]
    return {"kind": type(error).__name__, "text": clipped(str(error)), "faults": faults}
