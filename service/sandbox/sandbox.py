"""Has tasks done in processes that hold nothing of the service, and says how each of them ended."""

import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

import structlog

from pippin.errors import Fault
from service.sandbox import wire
from service.sandbox.errors import SandboxError, TaskRefused
from service.sandbox.nursery import Nursery

_log = structlog.get_logger(__name__)

# A nursery that is just starting has its imports to do first.
_BEGIN_SECONDS = 60.0
# The alarm ends a child at its deadline; how much later its end must have shown here.
_MARGIN_SECONDS = 5.0
_LONGEST_GREETING = 1000


class Abandonment:
    """Ends a task that nobody waits for any more. For one call of `Sandbox.run`, from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self.asked = False

    def ask(self) -> None:
        """End the task at once, or let it not begin."""
        with self._lock:
            self.asked = True
            if self._connection is not None:
                # The child's end shows it, which ends the child, and so does ours, on which a thread waits.
                with suppress(OSError):
                    self._connection.shutdown(socket.SHUT_RDWR)

    @contextmanager
    def of(self, connection: socket.socket) -> Iterator[None]:
        """What `ask` closes meanwhile."""
        with self._lock:
            self._connection = connection
        try:
            yield
        finally:
            with self._lock:
                self._connection = None

    def check(self, task: str) -> None:
        """Raise if it was asked."""
        if self.asked:
            raise SandboxError("abandoned", f"nobody waits for {task} any more")


class Sandbox:
    """Runs tasks, from any number of threads.

    One process, the nursery, is started at first use and again whenever it is found dead; it forks a child a task. A
    task whose child was lost with the nursery is begun once more, so a task must be such that this does no harm.

    Args:
        tasks: Each task's name with the "module:function" that does it; its keywords are the arguments of `run`.
        paths: More folders to find the modules in.
        children: How many tasks are done at once; more of them wait.
        wait_seconds: How long they wait.
        max_answer_bytes: The most that an answer's document and attachment may have.

    Attributes:
        peak_bytes: The most memory that a child has held so far, of those that came to an answer.
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
        self._nursery: Nursery | None = None
        self._closed = False
        self.peak_bytes = 0

    def start(self) -> None:
        """Start the nursery, which imports what tasks need while the service goes on. Does not wait for it.

        Raises:
            OSError: It could not be started.
        """
        with self._lock:
            self._living_nursery()

    def run(
        self,
        task: str,
        arguments: Mapping[str, object],
        *,
        seconds: float,
        memory_bytes: int | None = None,
        open_files: int = 64,
        abandonment: Abandonment | None = None,
    ) -> wire.Answer:
        """Do a task and wait for its answer.

        Args:
            task: One of the table's names.
            arguments: Values that JSON can hold; files are given by their paths.
            seconds: How long the task may take once it has begun.
            memory_bytes: How much memory it may allocate; None sets no limit. Linux only.
            open_files: How many files it may have open.
            abandonment: What may end the task early.

        Raises:
            TaskRefused: The task raised a `PippinError`.
            SandboxError: There is no answer; `why` says whether the task or this machine is to blame.
        """
        limits = {"seconds": seconds, "memory_bytes": memory_bytes, "open_files": open_files}
        abandonment = abandonment or Abandonment()
        # The child logs with what the caller logs with: the id of the request that it works for.
        context = structlog.contextvars.get_contextvars()
        request = wire.message({"task": task, "limits": limits, "arguments": dict(arguments), "context": context})
        if not self._places.acquire(timeout=self._wait_seconds):
            raise SandboxError("unavailable", f"{task} was not begun: others were busy for {self._wait_seconds:g} s")
        try:
            for _ in range(2):
                abandonment.check(task)
                try:
                    answer = self._attempt(task, request, abandonment)
                    self._note(answer)
                    return _opened(task, answer)
                except (EOFError, OSError, SandboxError) as error:
                    abandonment.check(task)
                    if isinstance(error, SandboxError):
                        raise
                    _log.warning("a child was lost", task=task, error=repr(error))
        finally:
            self._places.release()
        raise SandboxError("unavailable", f"{task} was not done: its process was lost, twice")

    @property
    def nursery_pid(self) -> int | None:
        """The process id of the nursery; None before the first."""
        with self._lock:
            return self._nursery.pid if self._nursery is not None else None

    def close(self) -> None:
        """End the nursery and its children; tasks that are under way, or come later, are "unavailable"."""
        with self._lock:
            self._closed = True
            self._end_nursery()

    def _attempt(self, task: str, request: bytes, abandonment: Abandonment) -> wire.Answer:
        """The child's last message.

        Raises:
            EOFError, OSError: The child was lost, for no fault of the task's.
            SandboxError: As `run` does.
        """
        connection, theirs = socket.socketpair()
        with connection, abandonment.of(connection):
            with theirs:
                nursery = self._hand_over(theirs)
            deadline = self._begin(nursery, connection, task, request)
            return self._finish(nursery, connection, task, deadline)

    def _hand_over(self, connection: socket.socket) -> Nursery:
        with self._lock:
            nursery = self._living_nursery()
            nursery.begin(connection)
            return nursery

    def _begin(self, nursery: Nursery, connection: socket.socket, task: str, request: bytes) -> float:
        """When the alarm will end the child, which holds its limits by now."""
        try:
            connection.settimeout(_BEGIN_SECONDS)
            connection.sendall(request)
            greeting = wire.receive(connection, most=_LONGEST_GREETING, until=time.monotonic() + _BEGIN_SECONDS)
        except TimeoutError:
            self._discard(nursery)
            raise SandboxError("unavailable", f"{task} was not begun within {_BEGIN_SECONDS:g} s") from None
        return float(greeting.document["deadline"])

    def _finish(self, nursery: Nursery, connection: socket.socket, task: str, deadline: float) -> wire.Answer:
        try:
            return wire.receive(connection, most=self._max_answer_bytes, until=deadline + _MARGIN_SECONDS)
        except wire.TooLongError:
            text = f"{task} found an answer of more than {self._max_answer_bytes:,} bytes"
            raise SandboxError("too_large", text) from None
        except TimeoutError:
            # Nothing but the end of the whole group is sure to reach this child. Its neighbours are begun once more.
            self._discard(nursery)
            raise _too_slow(task) from None
        except (EOFError, ConnectionError):
            if time.monotonic() >= deadline:
                raise _too_slow(task) from None
            if self._lost(nursery):
                raise
            raise SandboxError("crashed", f"{task} crashed") from None
        except (ValueError, RecursionError):
            raise SandboxError("crashed", f"{task} crashed: its answer cannot be read") from None

    def _note(self, answer: wire.Answer) -> None:
        peak = answer.document.get("peak_bytes") if isinstance(answer.document, dict) else None
        if isinstance(peak, int):
            with self._lock:
                self.peak_bytes = max(self.peak_bytes, peak)

    def _living_nursery(self) -> Nursery:
        """The nursery, started unless it lives. Under the lock."""
        if self._closed:
            raise SandboxError("unavailable", "the service is ending")
        if self._nursery is not None and self._nursery.gone:
            _log.warning("the nursery is gone; another takes its place", pid=self._nursery.pid)
            self._end_nursery()
        if self._nursery is None:
            self._nursery = Nursery(self._tasks, self._paths)
        return self._nursery

    def _end_nursery(self) -> None:
        """Under the lock."""
        if self._nursery is not None:
            self._nursery.end()
            self._nursery = None

    def _discard(self, nursery: Nursery) -> None:
        """End the nursery, unless another has taken its place already."""
        with self._lock:
            if self._nursery is nursery:
                _log.warning("the nursery is ended: a child of it does not end", pid=nursery.pid)
                self._end_nursery()

    def _lost(self, nursery: Nursery) -> bool:
        with self._lock:
            return self._nursery is not nursery or nursery.gone


def _opened(task: str, answer: wire.Answer) -> wire.Answer:
    """The answer proper, if the child's last message holds one."""
    match answer.document:
        case {"outcome": "answer", "document": document}:
            return wire.Answer(document, answer.attachment)
        case {"outcome": "refused", "kind": str(kind), "text": str(text), "faults": list(faults)}:
            raise TaskRefused(kind, text, [Fault(*fault) for fault in faults])
        case {"outcome": "too_large"}:
            raise SandboxError("too_large", f"{task} needs more memory than it may have")
        case {"outcome": "no_room"}:
            raise SandboxError("no_room", f"{task} found no room on disk")
        case {"outcome": "crashed", "kind": str(kind)}:
            raise SandboxError("crashed", f"{task} crashed ({kind})")
        case _:
            raise SandboxError("crashed", f"{task} crashed: its answer cannot be read")


def _too_slow(task: str) -> SandboxError:
    return SandboxError("too_slow", f"{task} took longer than it may")
