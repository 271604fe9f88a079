"""A job's event stream: parsed from bytes, and followed over several connections without lost or repeated events.

The event source of httpx2 is not used because it drops comments: the pings of a quiet stream would be lost, and a
stream that was quiet for longer than the client's patience would not be resumed when its connection breaks.
"""

import codecs
import json
import re
import time
from dataclasses import dataclass
from typing import Any

import httpx2

from pippin.api.events import Event
from pippin.client import calls
from pippin.client.errors import ServiceError
from pippin.system.retry import Backoff

_LINE_END = re.compile(r"\r\n|\n|\r")
# Statuses of a proxy, or of a service that is restarting.
_TEMPORARY = frozenset({502, 503, 504})
# A connection that is older than this when bytes arrive, pings included, counts as working.
_STEADY_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class ServerSentEvent:
    """One dispatched event (WHATWG HTML, section 9.2.6).

    Attributes:
        id: The last event id at the time of dispatch; "" if the stream has sent no id.
        type: The `event` field; "message" if the field is missing.
        data: The `data` lines, joined by newlines.
    """

    id: str
    type: str
    data: str


class EventStreamParser:
    """Parses the bytes of ONE connection into events; an event that the connection's end cut off is never dispatched.

    Attributes:
        last_event_id: The value of `Last-Event-ID` to resume with: it changes when an event is complete, not when the
            event's id is read.
        retry: The seconds to wait before reconnecting, as sent by the server; 0 if the server has sent no value.
    """

    def __init__(self, last_event_id: str = "", retry: float = 0) -> None:
        self.last_event_id = last_event_id
        self.retry = retry
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")(errors="replace")
        self._incomplete_line = ""
        self._after_carriage_return = False
        self._id = last_event_id
        self._type = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[ServerSentEvent]:
        """Parse the next bytes; return the events that they complete, in order."""
        text = self._decoder.decode(chunk)
        if not text:
            return []
        if self._after_carriage_return and text[0] == "\n":
            text = text[1:]
        self._after_carriage_return = text.endswith("\r")
        *lines, self._incomplete_line = _LINE_END.split(self._incomplete_line + text)
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


class StreamFollower:
    """The state of one followed stream; the client opens the connections and calls `feed` with the bytes that it reads.

    Args:
        url: The service's address, for the error message.
        backoff: The pauses between connections, and the maximum time without a working connection.
        last_event_id: The id of the event after which to start; "" to start at the first event.

    Attributes:
        ended: Whether the service has sent the end of the stream.
    """

    def __init__(self, url: str, backoff: Backoff, last_event_id: str = "") -> None:
        self.ended = False
        self._url = url
        self._backoff = backoff
        self._parser = EventStreamParser(last_event_id)
        self._connected = time.monotonic()

    def headers(self) -> dict[str, str]:
        """The request headers of the next connection."""
        self._connected = time.monotonic()
        # A new parser for each connection: an incomplete event of the previous connection must be dropped.
        self._parser = EventStreamParser(self._parser.last_event_id, self._parser.retry)
        resume = {"Last-Event-ID": self._parser.last_event_id} if self._parser.last_event_id else {}
        return {"Accept": "text/event-stream", "Cache-Control": "no-store", **resume}

    def has_stream(self, response: httpx2.Response) -> bool:
        """Whether the response contains a stream; 204 means that the client has already read the end.

        Raises:
            ServiceError: If the service refused the call permanently; the body must have been read.
        """
        if response.status_code == 204:
            self.ended = True
            return False
        if response.status_code in _TEMPORARY:
            return False
        calls.checked(response)
        return True

    def feed(self, chunk: bytes) -> list[Event]:
        """Parse the next bytes; return the events that they complete, the `end` event included."""
        # `revoked` is about the token, not the job; the service refuses the next connection with the reason.
        events = [_event(sent) for sent in self._parser.feed(chunk) if sent.type != "revoked"]
        if events or time.monotonic() - self._connected > _STEADY_SECONDS:
            self._backoff.reset()
        self.ended = self.ended or any(event.type == "end" for event in events)
        return events

    def pause_after(self, error: httpx2.TransportError | None) -> float:
        """The seconds to wait before the next connection.

        Raises:
            ServiceUnreachable: When the stream has been broken for longer than the client's patience.
        """
        return max(calls.pause_after(error, self._backoff, self._url), self._parser.retry)


def _event(sent: ServerSentEvent) -> Event:
    try:
        data: Any = json.loads(sent.data)
    except ValueError as error:
        raise ServiceError(
            200, "Not a valid event", f"The stream has the data {sent.data[:80]!r}, which is not JSON."
        ) from error
    return Event(id=sent.id, type=sent.type, data=data if isinstance(data, dict) else {"value": data})
