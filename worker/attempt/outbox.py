"""What an attempt has to tell the store while it trains, sent in order by a thread of its own.

Training never waits for Redis, and an outage does not end it: what cannot be sent is kept and sent again. The store's
writes may be repeated for a token, so sending one twice is harmless.
"""

import threading
from collections import deque
from collections.abc import Callable
from contextvars import copy_context
from time import monotonic
from typing import Self

import structlog

from pippin.store import LeaseLost, StoreUnavailable
from worker.patience import LONGEST_WAIT
from worker.stop import Cause, StopSwitch

_log = structlog.get_logger(__name__)

_FIRST_WAIT = 0.1
_LOOK_SECONDS = 0.25
# So many writes are kept; then the training waits, since mini-batch losses could fill the memory in a long outage.
_CAPACITY = 5_000


class Outbox:
    """A queue of writes, carried out one after another by a thread while the `with` block lasts.

    When the store takes no more, because the lease is lost or a write is refused for ever, what is still here is
    dropped and the switch thrown: training on would be in vain.
    """

    def __init__(self, stop: StopSwitch) -> None:
        self._stop = stop
        self._waiting: deque[Callable[[], object]] = deque()
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

    def put(self, write: Callable[[], object]) -> None:
        """Queue a write behind the others. Waits while the queue is full, but not once a stop is asked for."""
        with self._changed:
            while len(self._waiting) >= _CAPACITY and not self._over and self._stop.cause is None:
                self._changed.wait(_LOOK_SECONDS)
            self._waiting.append(write)
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

    def _send_all(self) -> None:
        wait = _FIRST_WAIT
        while (write := self._oldest()) is not None:
            try:
                write()
            except StoreUnavailable as error:
                _log.warning("the store cannot be reached; trying again", error=str(error), waiting=len(self._waiting))
                with self._changed:
                    self._changed.wait_for(lambda: self._over, timeout=wait)
                wait = min(2 * wait, LONGEST_WAIT)
            except LeaseLost as error:
                _log.warning("lease lost", why=str(error))
                self._end(Cause.LEASE_LOST)
            except Exception as error:  # noqa: BLE001 - raised again where the attempt waits for what it has told
                self._end(Cause.UNRECORDED, error)
            else:
                wait = _FIRST_WAIT
                with self._changed:
                    self._waiting.popleft()
                    self._changed.notify_all()

    def _oldest(self) -> Callable[[], object] | None:
        """The oldest write, left in its place until it is sent; None when nothing more is to be sent."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._waiting)
            return None if self._over else self._waiting[0]

    def _end(self, cause: Cause, error: Exception | None = None) -> None:
        self._stop.throw(cause)
        with self._changed:
            self._over = True
            self._error = error
            self._waiting.clear()
            self._changed.notify_all()
