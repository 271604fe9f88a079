"""A connection of HTTP/1.1, with time limits for the head and body of requests."""

import asyncio
from typing import TYPE_CHECKING, Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from service.http.connection_limits import ConnectionLimits, answer_of
from service.telemetry.meters import CloseReason

if TYPE_CHECKING:
    from fastapi import FastAPI

# Data written before a connection is closed has this long to be sent; closing alone waits without a limit.
_LINGER_SECONDS = 2.0


class Connection(H11Protocol):
    """uvicorn's protocol, which also closes connections whose client does not send in time.

    - The head of a request must be complete in time, counted from its first byte or from the start of the connection.
    - Its body must keep arriving while the service reads it.
    - The rest of a body that arrives after the answer has a time limit too.
    - A connection that waits for a request may be closed in favour of a new one; see `ConnectionLimits`.

    Between requests, uvicorn's keep-alive timeout applies. The time of an answer has no limit, so streams stay open.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # noqa: ANN401 (passed on to uvicorn)
        super().__init__(*args, **kwargs)
        self._limits: ConnectionLimits = cast("FastAPI", self.config.app).state.connections
        self._received = 0
        self._timer: asyncio.TimerHandle | None = None
        self._awaits_head = False
        self._awaits_body = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """Accept the connection, or answer 503 when there are too many."""
        super().connection_made(transport)
        refused = self._limits.open(self)
        if refused is not None:
            self.abort(refused)
        else:
            self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Release the connection."""
        self._cancel_timer()
        self._limits.closed(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received bytes."""
        if self.transport.is_closing():
            return
        self._received += len(data)
        super().data_received(data)
        self._update_timer()

    def on_response_complete(self) -> None:
        """After an answer, start the timer for the rest of the body, or mark the connection as idle."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self.conn.their_state is h11.SEND_BODY:
            self._cancel_timer()
            self._timer = self.loop.call_later(self._limits.head_seconds, self.abort, "body_timeout")
        elif self.conn.their_state is h11.IDLE:
            self._limits.became_idle(self)

    def abort(self, reason: CloseReason) -> None:
        """Close the connection, with an answer that contains the reason unless another answer has begun."""
        if self.transport.is_closing():
            return
        self._limits.count(reason)
        awaits_head = self.cycle is None or self.conn.their_state is h11.IDLE
        if (awaits_head or not self.cycle.response_started) and (answer := answer_of(reason)):
            self.transport.write(answer)
        self.transport.close()
        self.loop.call_later(_LINGER_SECONDS, self.transport.abort)

    def _update_timer(self) -> None:
        """Set the timer for the next expected part of a request."""
        if self.transport.is_closing():
            return
        match self.conn.their_state:
            case h11.IDLE:
                if not self._awaits_head:
                    self._await_head()
            case h11.SEND_BODY:
                # After the answer a timer runs already, and received data does not extend it.
                if not self._awaits_body and not self.cycle.response_complete:
                    self._await_body()
            case _:
                self._cancel_timer()
                self._limits.became_busy(self)

    def _await_head(self) -> None:
        self._cancel_timer()
        self._awaits_head = True
        self._timer = self.loop.call_later(self._limits.head_seconds, self.abort, "head_timeout")

    def _await_body(self) -> None:
        self._cancel_timer()
        self._limits.became_busy(self)
        self._awaits_body = True
        self._timer = self.loop.call_later(self._limits.body_seconds, self._check_body, self._received)

    def _check_body(self, before: int) -> None:
        """Close the connection if too few bytes have arrived after `before`, unless the service itself did not read."""
        self._timer = None
        if self.conn.their_state is not h11.SEND_BODY:
            return
        held_up = self.flow.read_paused or self.conn.they_are_waiting_for_100_continue
        if not held_up and self._received - before < self._limits.least_body_bytes:
            self.abort("body_timeout")
            return
        self._timer = self.loop.call_later(self._limits.body_seconds, self._check_body, self._received)

    def _cancel_timer(self) -> None:
        self._awaits_head = self._awaits_body = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
