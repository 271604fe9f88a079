"""What an attempt reports to the store while it trains, sent in order by a thread of its own.

Training never waits for Redis, and an outage does not end it: what cannot be sent is kept and sent again. The store's
writes may be repeated for a token, so sending one twice is harmless.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from time import monotonic
from typing import Self

import structlog

from pippin.store import LeaseLost, StoreUnavailable
from pippin.system.retry import Backoff
from worker.stop import Cause, StopFlag

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.25
# What a write takes in memory beside its detail: 3 KB were measured for an epoch's metrics and the closure around it.
_WRITE_BYTES = 4096


@dataclass
class Detail:
    """The part of a write that may be dropped when too much waits to be sent.

    Attributes:
        bytes: What it takes in memory.
        drop: Drops it.
    """

    bytes: int
    drop: Callable[[], object]


@dataclass
class _Write:
    send: Callable[[], object]
    detail: Detail | None

    @property
    def bytes(self) -> int:
        return _WRITE_BYTES + (self.detail.bytes if self.detail else 0)


class Outbox:
    """A queue of writes, carried out one after another by a thread while the `with` block lasts.

    It is bounded by bytes. Where too much waits, the details of what waits longest are dropped first; once no write has
    any, the training waits. No write is dropped: epochs and artifacts are never lost.

    When the store takes no more, because the lease is lost or a write is refused for ever, what is still here is
    dropped and the stop flag set: to train on would be in vain.

    Attributes:
        dropped: How many details were dropped.
    """

    def __init__(self, stop: StopFlag, *, max_bytes: int = 32 * 2**20) -> None:
        self._stop = stop
        self._max_bytes = max_bytes
        self._waiting: deque[_Write] = deque()
        self._bytes = 0
        self._detailed: deque[_Write] = deque()
        self.dropped = 0
        self._changed = threading.Condition()
        self._over = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._send_all,), name="outbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The thread is not joined: it may hang in a dead connection, and the process is about to end.
        with self._changed:
            self._over = True
            self._changed.notify_all()

    def put(self, send: Callable[[], object], detail: Detail | None = None) -> None:
        """Queue a write behind the others. Waits while the queue is full, but not once a stop is asked for."""
        write = _Write(send, detail)
        with self._changed:
            self._drop_details(write.bytes)
            while self._is_full(_WRITE_BYTES) and not self._over and self._stop.cause is None:
                self._changed.wait(_LOOK_SECONDS)
            self._waiting.append(write)
            self._bytes += write.bytes
            if detail is not None:
                self._detailed.append(write)
            self._drop_details(0)
            self._changed.notify_all()

    def flush(self, patience: float) -> bool:
        """Wait until all is sent, for `patience` seconds at most.

        Returns:
            Whether all was sent. False when time ran out or the lease was lost.

        Raises:
            Exception: What the store answered to a write that it will never take.
        """
        deadline = monotonic() + patience
        with self._changed:
            self._changed.wait_for(lambda: self._over or not self._waiting, timeout=deadline - monotonic())
            if self._error is not None:
                raise self._error
            return not self._waiting and not self._over

    def _is_full(self, more: int) -> bool:
        return bool(self._waiting) and self._bytes + more > self._max_bytes

    def _drop_details(self, more: int) -> None:
        """Drop details, the oldest first, until `more` bytes fit or none is left. Under the lock."""
        while self._detailed and self._bytes + more > self._max_bytes:
            write = self._detailed.popleft()
            if write.detail is None:
                continue
            if not self.dropped:
                _log.warning(
                    "too much waits to be recorded; mini-batch losses are dropped",
                    waiting=len(self._waiting),
                    max_bytes=self._max_bytes,
                )
            self.dropped += 1
            write.detail.drop()
            self._bytes -= write.detail.bytes
            write.detail = None

    def _send_all(self) -> None:
        backoff = Backoff(jitter=0)
        while (write := self._oldest()) is not None:
            try:
                write.send()
            except StoreUnavailable as error:
                _log.warning(
                    "the store cannot be reached; trying again",
                    error=str(error),
                    waiting=len(self._waiting),
                    bytes=self._bytes,
                )
                with self._changed:
                    self._changed.wait_for(lambda: self._over, timeout=backoff.pause())
            except LeaseLost as error:
                _log.warning("lease lost", why=str(error))
                self._end(Cause.LEASE_LOST)
            except Exception as error:  # noqa: BLE001 - raised again by `flush`
                self._end(Cause.UNRECORDED, error)
            else:
                backoff.reset()
                with self._changed:
                    self._forget(self._waiting.popleft())
                    self._changed.notify_all()

    def _forget(self, write: _Write) -> None:
        """Free what a write took. Under the lock."""
        self._bytes -= write.bytes
        if self._detailed and self._detailed[0] is write:
            self._detailed.popleft()

    def _oldest(self) -> _Write | None:
        """The oldest write, left in its place until it is sent; None when nothing more is to be sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._waiting)
            return None if self._over else self._waiting[0]

    def _end(self, cause: Cause, error: Exception | None = None) -> None:
        self._stop.set(cause)
        with self._changed:
            self._over = True
            self._error = error
            self._waiting.clear()
            self._detailed.clear()
            self._bytes = 0
            self._changed.notify_all()
