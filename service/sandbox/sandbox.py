"""Runs tasks in child processes that hold none of the service's data, and reports how each task ended."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import structlog

from pippin.errors import Fault
from service.sandbox.fork_server import ForkServer
from service.sandbox.messages import Answer, SandboxError, TaskRefused, TooLongError, message, receive

_log = structlog.get_logger(__name__)

# A fork server that has just been started imports modules first.
_BEGIN_SECONDS = 60.0
# The alarm ends a child at its deadline. This much later the service must have noticed it.
_MARGIN_SECONDS = 5.0
_MAX_GREETING_BYTES = 1000


class Cancellation:
    """Lets another thread stop a task whose answer is no longer needed. For one call of `Sandbox.run`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self.is_requested = False

    def cancel(self) -> None:
        """Stop the task at once, or keep it from starting."""
        with self._lock:
            self.is_requested = True
            if self._connection is not None:
                # This ends both sides: the child, and the thread that waits for its answer.
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def closing(self, connection: socket.socket) -> Iterator[None]:
        """Have `cancel` shut `connection` down while the `with` block lasts."""
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def check(self, task: str) -> None:
        """Raise SandboxError if `cancel` was called."""
        if self.is_requested:
            raise SandboxError("cancelled", f"{task} was cancelled")


class Sandbox:
    """Runs tasks, from any number of threads.

    A fork server is started at first use and again when it has died; it forks one child for each task. A task whose
    child was lost with the fork server is started a second time, so tasks must be repeatable.

    Args:
        tasks: Each task's name with the "module:function" that does it; its keywords are the arguments of `run`.
        paths: More folders to find the modules in.
        children: How many tasks run at once; further ones wait.
        wait_seconds: How long they wait.
        max_answer_bytes: The limit on the document and attachment of an answer together.

    Attributes:
        peak_bytes: The highest peak memory of a child so far, among those that answered.
    """

    def __init__(
        self,
        tasks: Mapping[str, str],
        *,
        paths: Sequence[str] = (),
        children: int = 4,
        wait_seconds: float = 30,
        max_answer_bytes: int = 2**26,
    ) -> None:
        self._tasks = tasks
        self._paths = paths
        self._wait_seconds = wait_seconds
        self._max_answer_bytes = max_answer_bytes
        self._places = threading.BoundedSemaphore(children)
        self._lock = threading.Lock()
        self._server: ForkServer | None = None
        self._closed = False
        self.peak_bytes = 0

    def start(self) -> None:
        """Start the fork server, which imports what tasks need in the background. Does not wait for it.

        Raises:
            OSError: It could not be started.
        """
        with self._lock:
            self._living_server()

    def run(
        self,
        task: str,
        arguments: Mapping[str, object],
        *,
        seconds: float,
        memory_bytes: int | None = None,
        open_files: int = 64,
        cancellation: Cancellation | None = None,
    ) -> Answer:
        """Run a task and wait for its answer.

        Args:
            task: One of the table's names.
            arguments: JSON values; files are passed by path.
            seconds: How long the task may take from its start.
            memory_bytes: How much memory it may allocate; None sets no limit. Linux only.
            open_files: How many files it may have open.
            cancellation: Stops the task early when it is cancelled.

        Raises:
            TaskRefused: The task raised a `PippinError`.
            SandboxError: There is no answer; `why` says whether the task or this machine is the cause.
        """
        limits = {"seconds": seconds, "memory_bytes": memory_bytes, "open_files": open_files}
        cancellation = cancellation or Cancellation()
        # The child logs with the context of the caller: the id of the request.
        context = structlog.contextvars.get_contextvars()
        request = message({"task": task, "limits": limits, "arguments": dict(arguments), "context": context})
        if not self._places.acquire(timeout=self._wait_seconds):
            raise SandboxError(
                "unavailable", f"{task} was not started: other tasks occupied all slots for {self._wait_seconds:g} s"
            )
        try:
            for _ in range(2):
                cancellation.check(task)
                try:
                    answer = self._attempt(task, request, cancellation)
                    self._record_peak(answer)
                    return _opened(task, answer)
                except (EOFError, OSError, SandboxError) as error:
                    cancellation.check(task)
                    if isinstance(error, SandboxError):
                        raise
                    _log.warning("a child was lost", task=task, error=repr(error))
        finally:
            self._places.release()
        raise SandboxError("unavailable", f"{task} failed: its process was lost twice")

    @property
    def fork_server_pid(self) -> int | None:
        """The process id of the fork server; None before the first start."""
        with self._lock:
            return self._server.pid if self._server is not None else None

    def close(self) -> None:
        """End the fork server and its children; running and later tasks raise SandboxError "unavailable"."""
        with self._lock:
            self._closed = True
            self._end_server()

    def _attempt(self, task: str, request: bytes, cancellation: Cancellation) -> Answer:
        """The last message of the child.

        Raises:
            EOFError, OSError: The child was lost for a reason outside the task.
            SandboxError: As `run` does.
        """
        connection, child_end = socket.socketpair()
        with connection, cancellation.closing(connection):
            with child_end:
                server = self._hand_over(child_end)
            deadline = self._begin(server, connection, task, request)
            return self._finish(server, connection, task, deadline)

    def _hand_over(self, connection: socket.socket) -> ForkServer:
        with self._lock:
            server = self._living_server()
            server.begin(connection)
            return server

    def _begin(self, server: ForkServer, connection: socket.socket, task: str, request: bytes) -> float:
        """Send the request; returns the deadline at which the alarm ends the child, whose limits hold by then."""
        try:
            connection.settimeout(_BEGIN_SECONDS)
            connection.sendall(request)
            greeting = receive(connection, max_bytes=_MAX_GREETING_BYTES, until=time.monotonic() + _BEGIN_SECONDS)
        except TimeoutError:
            self._discard(server)
            raise SandboxError("unavailable", f"{task} was not started within {_BEGIN_SECONDS:g} s") from None
        return float(greeting.document["deadline"])

    def _finish(self, server: ForkServer, connection: socket.socket, task: str, deadline: float) -> Answer:
        try:
            return receive(connection, max_bytes=self._max_answer_bytes, until=deadline + _MARGIN_SECONDS)
        except TooLongError:
            text = f"{task} returned more than {self._max_answer_bytes:,} bytes"
            raise SandboxError("too_large", text) from None
        except TimeoutError:
            # Only the end of the whole process group is sure to end this child. The other tasks are started again.
            self._discard(server)
            raise _too_slow(task) from None
        except (EOFError, ConnectionError):
            if time.monotonic() >= deadline:
                raise _too_slow(task) from None
            if self._lost(server):
                raise
            raise SandboxError("crashed", f"{task} crashed") from None
        except (ValueError, RecursionError):
            raise SandboxError("crashed", f"{task} crashed: its result cannot be read") from None

    def _record_peak(self, answer: Answer) -> None:
        peak = answer.document.get("peak_bytes") if isinstance(answer.document, dict) else None
        if isinstance(peak, int):
            with self._lock:
                self.peak_bytes = max(self.peak_bytes, peak)

    def _living_server(self) -> ForkServer:
        """The fork server, started if it is not alive. The caller holds the lock."""
        if self._closed:
            raise SandboxError("unavailable", "the service is stopping")
        if self._server is not None and self._server.has_ended:
            _log.warning("the fork server has ended; starting another one", pid=self._server.pid)
            self._end_server()
        if self._server is None:
            self._server = ForkServer(self._tasks, self._paths)
        return self._server

    def _end_server(self) -> None:
        """The caller holds the lock."""
        if self._server is not None:
            self._server.end()
            self._server = None

    def _discard(self, server: ForkServer) -> None:
        """End this fork server, unless another has replaced it already."""
        with self._lock:
            if self._server is server:
                _log.warning("ending the fork server: one of its children does not end", pid=server.pid)
                self._end_server()

    def _lost(self, server: ForkServer) -> bool:
        with self._lock:
            return self._server is not server or server.has_ended


def _opened(task: str, answer: Answer) -> Answer:
    """The answer in the last message of the child, if it holds one."""
    match answer.document:
        case {"outcome": "answer", "document": document}:
            return Answer(document, answer.attachment)
        case {"outcome": "refused", "kind": str(kind), "text": str(text), "faults": list(faults)}:
            raise TaskRefused(kind, text, [Fault(*fault) for fault in faults])
        case {"outcome": "too_large"}:
            raise SandboxError("too_large", f"{task} needs more memory than it is allowed")
        case {"outcome": "insufficient_storage"}:
            raise SandboxError("insufficient_storage", f"{task} failed: the disk is full")
        case {"outcome": "crashed", "kind": str(kind)}:
            raise SandboxError("crashed", f"{task} crashed ({kind})")
        case _:
            raise SandboxError("crashed", f"{task} crashed: its result cannot be read")


def _too_slow(task: str) -> SandboxError:
    return SandboxError("too_slow", f"{task} took too long")
