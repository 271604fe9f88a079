"""One client's view of a job's events as they happen."""

import asyncio
from collections import deque

from pippin.store.events import StoredEvent, parse_event_id


class Subscription:
    """The events of one job from a moment on, in order, each once. Iterate over it.

    The iteration ends when the reader is closed, and when the client fell behind: then `fell_behind` is true, and what
    it missed is still in the stream, after the last event that it got.
    """

    def __init__(self, capacity: int) -> None:
        """Describe an empty one; the reader fills it.

        Args:
            capacity: How many events may wait for the client.
        """
        self.fell_behind = False
        self._capacity = capacity
        self._waiting: deque[StoredEvent] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._seen = (0, 0)

    def skip_through(self, event_id: str) -> None:
        """Leave out all events up to this one, which the client has read from the stream itself."""
        self._seen = max(self._seen, parse_event_id(event_id))

    def offer(self, event: StoredEvent) -> bool:
        """Add an event, unless too many wait already; then the subscription ends here."""
        if len(self._waiting) >= self._capacity:
            self.fell_behind = True
            self.close()
            return False
        self._waiting.append(event)
        self._changed.set()
        return True

    def close(self) -> None:
        """End the iteration after what waits already."""
        self._closed = True
        self._changed.set()

    def __aiter__(self) -> "Subscription":
        return self

    async def __anext__(self) -> StoredEvent:
        while True:
            while self._waiting:
                event = self._waiting.popleft()
                place = parse_event_id(event.id)
                if place > self._seen:
                    self._seen = place
                    return event
            if self._closed:
                raise StopAsyncIteration
            self._changed.clear()
            await self._changed.wait()
