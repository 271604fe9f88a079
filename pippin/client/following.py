"""What it takes to follow a job's stream over as many connections as needed, without loss or repeat."""

import json
import time
from typing import Any

import httpx2

from pippin.api.events import Event
from pippin.client import calls
from pippin.client.errors import ServiceError
from pippin.client.sse import EventStreamParser, ServerSentEvent
from pippin.client.tries import Tries

# What a proxy or a restarting service answers for a while.
_PASSING = frozenset({502, 503, 504})
# A stream that has stood for so long stands, though it may have had nothing to tell but signs of life.
_STEADY_SECONDS = 5.0


class Following:
    """One stream being followed; the client does the reading, this knows where it stands.

    Attributes:
        path: What to GET.
        ended: Whether the service has said that nothing more will come.
    """

    def __init__(self, path: str, tries: Tries, last_event_id: str = "") -> None:
        self.path = path
        self.ended = False
        self._tries = tries
        self._parser = EventStreamParser(last_event_id)
        self._connected = time.monotonic()

    def headers(self) -> dict[str, str]:
        """What the next connection asks with."""
        self._connected = time.monotonic()
        # Each connection starts in the middle of nothing: half an event of the last one must not leak into it.
        self._parser = EventStreamParser(self._parser.last_event_id, self._parser.retry)
        resume = {"Last-Event-ID": self._parser.last_event_id} if self._parser.last_event_id else {}
        return {"Accept": "text/event-stream", "Cache-Control": "no-store", **resume}

    def refused(self, response: httpx2.Response) -> bool:
        """Whether the answer carries no stream; 204 says that the end was already seen.

        Raises:
            ServiceError: If the service refused for good; the body must have been read.
        """
        if response.status_code == 204:
            self.ended = True
            return True
        if response.status_code in _PASSING:
            return True
        calls.checked(response)
        return False

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes, the end's included."""
        # It happened to the token, not to the job; the next connection is refused with the reason.
        found = [_event(each) for each in self._parser.feed(chunk) if each.type != "revoked"]
        if found or time.monotonic() - self._connected > _STEADY_SECONDS:
            self._tries.answered()
        self.ended = self.ended or any(event.type == "end" for event in found)
        return found

    def pause_after(self, error: httpx2.TransportError | None) -> float:
        """The seconds to wait before the next connection.

        Raises:
            ServiceUnreachable: When patience is used up.
        """
        return max(self._tries.pause_after(error), self._parser.retry)


def _event(sent: ServerSentEvent) -> Event:
    try:
        data: Any = json.loads(sent.data)
    except ValueError as error:
        raise ServiceError(
            200, "Not an event of Pippin", f"The stream carries {sent.data[:80]!r}, not JSON."
        ) from error
    return Event(id=sent.id, type=sent.type, data=data if isinstance(data, dict) else {"value": data})
