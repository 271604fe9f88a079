"""Reads a stream of server-sent events (WHATWG HTML, section 9.2.6) from whatever chunks the network delivers."""

import codecs
import re
from dataclasses import dataclass

_LINE_END = re.compile(r"\r\n|\n|\r")


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One event as dispatched.

    Attributes:
        id: The last event id at the time of dispatch; "" when the stream has named none.
        type: The `event` field; "message" where there was none.
        data: The `data` lines, joined by newlines.
    """

    id: str
    type: str
    data: str


class EventStreamParser:
    """Turns the bytes of ONE connection into events; an event that the connection's end cut off is never dispatched.

    Attributes:
        last_event_id: What to send as `Last-Event-ID` to resume: moves when an event is complete, not when
            its id is read.
        retry: Seconds that the server asks clients to wait before they reconnect; 0 when none ever said.
    """

    def __init__(self, last_event_id: str = "", retry: float = 0) -> None:
        self.last_event_id = last_event_id
        self.retry = retry
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._rest = ""
        self._after_carriage_return = False
        self._id = last_event_id
        self._type = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """The events that `chunk` completes, in order."""
        text = self._decoder.decode(chunk)
        if not text:
            return []
        if self._after_carriage_return and text[0] == "\n":
            text = text[1:]
        self._after_carriage_return = text.endswith("\r")
        *lines, self._rest = _LINE_END.split(self._rest + text)
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: str) -> ServerSentEvent | None:
        if not line:
            return self._dispatch()
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._type = value
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self.retry = int(value) / 1000
        return None

    def _dispatch(self) -> ServerSentEvent | None:
        self.last_event_id = self._id
        event = ServerSentEvent(self._id, self._type or "message", "\n".join(self._data)) if self._data else None
        self._type, self._data = "", []
        return event
