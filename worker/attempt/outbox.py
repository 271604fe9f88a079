"""The queue of an attempt's writes to the store, sent in order by a background thread.

The training does not wait for Redis, and an outage does not end it: a write that fails is kept and sent again. The
store's writes are idempotent for a token, so that sending a write twice is harmless.
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

_POLL_SECONDS = 0.25
# Memory of a write without its detail: 3 KB were measured for an epoch's metrics and their closure.
_WRITE_BYTES = 4096


@dataclass
class Detail:
    """The part of a write that may be dropped when the outbox is full.

    Attributes:
        bytes: Memory of the detail.
        drop: Drops the detail.
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
    """A queue of writes that a thread sends one after another during the `with` block.

    The queue is bounded by bytes. When it is full, the details of the oldest writes are dropped first; once no write
    has a detail, `put` blocks the training. Writes are not dropped, so that no epoch or artifact is lost.

    When the lease is lost or the store permanently refuses a write, the queue is emptied and the stop flag is set: no
    further result could be recorded.

    Attributes:
        dropped: Number of dropped details.
    """

    def __init__(self, stop: StopFlag, *, max_bytes: int = 32 * 2**20) -> None:
        self._stop = stop
        self._max_bytes = max_bytes
        self._waiting: deque[_Write] = deque()
        self._bytes = 0
        self._detailed: deque[_Write] = deque()
        self.dropped = 0
        self._changed = threading.Condition()
        self._closed = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=copy_context().run, args=(self._send_all,), name="outbox", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        # The thread is not joined: it may hang in a dead connection, and the process is about to end.
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def put(self, send: Callable[[], object], detail: Detail | None = None) -> None:
        """Append a write to the queue. Blocks while the queue is full, unless a stop is requested."""
        write = _Write(send, detail)
        with self._changed:
            self._drop_details(write.bytes)
            while self._is_full(_WRITE_BYTES) and not self._closed and self._stop.cause is None:
                self._changed.wait(_POLL_SECONDS)
            self._waiting.append(write)
            self._bytes += write.bytes
            if detail is not None:
                self._detailed.append(write)
            self._drop_details(0)
            self._changed.notify_all()

    def flush(self, patience: float) -> bool:
        """Wait up to `patience` seconds until all writes are sent.

        Returns:
            Whether all writes were sent. False when the time ran out or the lease was lost.

        Raises:
            Exception: The store's error for a write that it permanently refuses.
        """
        deadline = monotonic() + patience
        with self._changed:
            self._changed.wait_for(lambda: self._closed or not self._waiting, timeout=deadline - monotonic())
            if self._error is not None:
                raise self._error
            return not self._waiting and not self._closed

    def _is_full(self, more: int) -> bool:
        return bool(self._waiting) and self._bytes + more > self._max_bytes

    def _drop_details(self, more: int) -> None:
        """Drop details, the oldest first, until `more` bytes fit or no detail is left. The caller holds the lock."""
        while self._detailed and self._bytes + more > self._max_bytes:
            write = self._detailed.popleft()
            if write.detail is None:
                continue
            if not self.dropped:
                _log.warning(
                    "the outbox is full; dropping mini-batch losses",
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
                    "the store cannot be reached; retrying",
                    error=str(error),
                    waiting=len(self._waiting),
                    bytes=self._bytes,
                )
                with self._changed:
                    self._changed.wait_for(lambda: self._closed, timeout=backoff.pause())
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
        """Subtract a sent write from the byte count and the details. The caller holds the lock."""
        self._bytes -= write.bytes
        if self._detailed and self._detailed[0] is write:
            self._detailed.popleft()

    def _oldest(self) -> _Write | None:
        """Wait for the oldest write, which stays in the queue until it is sent; None when the outbox is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._waiting)
            return None if self._closed else self._waiting[0]

    def _end(self, cause: Cause, error: Exception | None = None) -> None:
        self._stop.set(cause)
        with self._changed:
            self._closed = True
            self._error = error
            self._waiting.clear()
            self._detailed.clear()
            self._bytes = 0
            self._changed.notify_all()
