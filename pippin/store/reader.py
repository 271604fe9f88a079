"""One reader of event streams for a whole process, for any number of clients and jobs."""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, Self, cast

import structlog
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import RedisError

from pippin.store import keys
from pippin.store.client import SOCKET_TIMEOUT, reaching
from pippin.store.errors import StoreUnavailable
from pippin.store.events import START, StoredEvent, decode_event, decode_events, parse_event_id


class Subscription:
    """An iterator over the events of one job from a moment on, in order, each event once.

    The iteration ends when the reader is closed or the client has fallen behind. In the second case `fell_behind` is
    true, and the missed events are still in the stream, after the last event that the client received.
    """

    def __init__(self, capacity: int) -> None:
        """Make an empty subscription; the reader fills it.

        Args:
            capacity: Maximum number of events that wait for the client.
        """
        self.fell_behind = False
        self._capacity = capacity
        self._waiting: deque[StoredEvent] = deque()
        self._changed = asyncio.Event()
        self._closed = False
        self._seen = (0, 0)

    def skip_through(self, event_id: str) -> None:
        """Skip all events up to this one, which the client has read from the stream itself."""
        self._seen = max(self._seen, parse_event_id(event_id))

    def offer(self, event: StoredEvent) -> bool:
        """Add an event; end the subscription instead if too many events already wait."""
        if len(self._waiting) >= self._capacity:
            self.fell_behind = True
            self.close()
            return False
        self._waiting.append(event)
        self._changed.set()
        return True

    def close(self) -> None:
        """End the iteration after the events that already wait."""
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


_BLOCK_MILLISECONDS = 2000  # well within SOCKET_TIMEOUT, see there
_BATCH = 200
_QUERY_CONNECTIONS, _QUERY_WAIT_SECONDS = 8, 10  # connections that read histories, and how long to wait for one
_WAKEUP_SECONDS = 60  # the wake-up stream of a killed reader expires after this time
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 2.0

_Entry = tuple[str, dict[str, str]]  # an entry of a stream: id and fields

_log = structlog.get_logger(__name__)


class EventReader:
    """Follows the streams of many jobs with one blocking XREAD, and passes each event to its subscriptions.

    One connection per client would exhaust the pool and the server's client limit. Use the reader as an async context
    manager, in one event loop.
    """

    def __init__(self, url: str, *, capacity: int = 1000) -> None:
        """Make a reader; it connects with the first subscription.

        Args:
            url: Address of the server, as for `connect`.
            capacity: Maximum number of events that wait for one client before its subscription ends.
        """
        self._capacity = capacity
        options: dict[str, Any] = {
            "decode_responses": True,
            "socket_timeout": SOCKET_TIMEOUT,
            "socket_connect_timeout": SOCKET_TIMEOUT,
            "retry": Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), 1),
        }
        self._reading: Redis = Redis.from_url(url, **options)
        # A separate pool that makes requests wait: redis-py's default pool refuses the 101st simultaneous request.
        query_pool = BlockingConnectionPool.from_url(
            url, max_connections=_QUERY_CONNECTIONS, timeout=_QUERY_WAIT_SECONDS, **options
        )
        self._query_client: Redis = Redis.from_pool(query_pool)
        self._wakeup = keys.wakeup(secrets.token_hex(8))
        self._woken = START
        self._positions: dict[str, str] = {}  # stream -> id of the last event that was passed on
        self._subscriptions: dict[str, set[Subscription]] = {}
        self._watched = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="event-reader")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End every subscription and close the connections."""
        if self._task is not None:
            # Repeated: on Python 3.11 asyncio.wait_for, which redis-py uses to send commands, can lose a cancellation.
            while not self._task.done():
                self._task.cancel()
                await asyncio.wait([self._task], timeout=0.1)
        await self._reading.aclose()
        await self._query_client.aclose()

    @asynccontextmanager
    async def subscribe(self, tenant: str, job_id: str) -> AsyncIterator[Subscription]:
        """Subscribe to a job's events from now on. Then read the earlier events and `skip_through` the last of them.

        Raises:
            StoreUnavailable: Redis cannot be reached at this moment, or the reader is closed. A later outage does not
                end the subscription.
        """
        if self._task is None or self._task.done():
            raise StoreUnavailable("events cannot be followed: the reader is not running")
        stream = keys.job(tenant, job_id).events
        subscription = Subscription(self._capacity)
        followers = self._subscriptions.setdefault(stream, set())
        followers.add(subscription)
        try:
            if stream not in self._positions:
                last = await self._last(stream)
                self._positions.setdefault(stream, last[0] if last else START)
                await self._wake()
            yield subscription
        finally:
            self._drop(stream, subscription)

    async def follow(self, tenant: str, job_id: str, after: str = START) -> AsyncGenerator[StoredEvent, None]:
        """All events of a job after the id `after`: first the recorded events, then live ones.

        Ends after the event that ends the job; at once when the job does not exist or no event can follow `after`; and
        early when the client reads too slowly: the client can then continue with the id of its last event.

        Raises:
            MalformedEventId: `after` is not the id of an event.
            StoreUnavailable: Redis cannot be reached at the start.
        """
        milliseconds, number = parse_event_id(after)
        after = f"{milliseconds}-{number}"
        stream = keys.job(tenant, job_id).events
        async with self.subscribe(tenant, job_id) as live:
            last = await self._last(stream)
            while last is not None and parse_event_id(after) < parse_event_id(last[0]):
                with reaching():
                    entries: Any = await self._query_client.xrange(stream, f"({after}", "+", _BATCH)
                if not entries:
                    return  # deleted meanwhile
                for entry in entries:
                    after = entry[0]
                    event = decode_event(entry)
                    if event is None:
                        continue
                    yield event
                    if event.is_last:
                        return
            if last is None or _ends(last):
                return
            live.skip_through(after)
            async for event in live:
                yield event
                if event.is_last:
                    return

    async def _last(self, stream: str) -> _Entry | None:
        with reaching():
            entries: Any = await self._query_client.xrevrange(stream, count=1)
        return entries[0] if entries else None

    async def _wake(self) -> None:
        """Make the current XREAD return, so that the next XREAD includes the new stream."""
        self._watched.set()
        # If this fails, the next XREAD still begins within two seconds.
        with suppress(StoreUnavailable), reaching():
            async with self._query_client.pipeline() as pipe:
                pipe.xadd(self._wakeup, {"": ""}, maxlen=1, approximate=False)
                pipe.expire(self._wakeup, _WAKEUP_SECONDS)
                await pipe.execute()

    def _drop(self, stream: str, subscription: Subscription) -> None:
        followers = self._subscriptions.get(stream, set())
        followers.discard(subscription)
        if not followers:
            self._subscriptions.pop(stream, None)
            self._positions.pop(stream, None)

    async def _run(self) -> None:
        try:
            await self._read()
        except Exception:
            _log.exception("the reader of events stopped")
            raise
        finally:
            for subscriptions in self._subscriptions.values():
                for subscription in subscriptions:
                    subscription.close()

    async def _read(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            if not self._positions:
                self._watched.clear()
                await self._watched.wait()
            try:
                streams: dict[Any, Any] = {self._wakeup: self._woken, **self._positions}
                with reaching():
                    answer: Any = await self._reading.xread(streams, count=_BATCH, block=_BLOCK_MILLISECONDS)
            except (StoreUnavailable, RedisError) as error:
                # The positions are kept: later events are read afterwards.
                if "WRONGTYPE" in str(error) and await self._drop_other_types():
                    continue
                if pause == _FIRST_PAUSE:
                    _log.warning("events cannot be read; retrying", error=str(error))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
                continue
            pause = _FIRST_PAUSE
            for stream, entries in cast("list[tuple[str, list[_Entry]]]", answer):
                self._hand_out(stream, entries)

    async def _drop_other_types(self) -> bool:
        """End the subscriptions to keys that are not streams: one such key makes the XREAD of all streams fail.

        Returns:
            Whether there were any such keys.
        """
        streams = list(self._positions)
        with suppress(StoreUnavailable), reaching():
            async with self._query_client.pipeline(transaction=False) as pipe:
                for stream in streams:
                    pipe.type(stream)
                types = await pipe.execute()
            damaged = [stream for stream, kind in zip(streams, types, strict=True) if kind not in {"stream", "none"}]
            for stream in damaged:
                _log.warning("the events of a job cannot be read: their key is not a stream", key=stream)
                for subscription in list(self._subscriptions.get(stream, ())):
                    subscription.close()
                    self._drop(stream, subscription)
            return bool(damaged)
        return False

    def _hand_out(self, stream: str, entries: list[_Entry]) -> None:
        if stream == self._wakeup:
            self._woken = entries[-1][0]
            return
        if stream not in self._positions:
            return  # the last follower left during the XREAD
        self._positions[stream] = max(self._positions[stream], entries[-1][0], key=parse_event_id)
        events = decode_events(entries)
        for subscription in list(self._subscriptions.get(stream, ())):
            if not all(subscription.offer(event) for event in events):
                self._drop(stream, subscription)


def _ends(entry: _Entry) -> bool:
    """Whether an entry is the last one of a job's stream."""
    event = decode_event(entry)
    return event is not None and event.is_last
