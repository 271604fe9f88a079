"""A job's events as an answer: a snapshot, or a stream that lasts until the job has ended."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from typing import Any

import structlog
from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import AppStatus, SendTimeoutError
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from pippin.api.jobs import Job
from pippin.store import Store, StoreUnavailable
from pippin.store.events import StoredEvent
from pippin.store.reader import EventReader
from service.http.responses import generated
from service.jobs.views import View, csv_line, json_text, ndjson_line
from service.telemetry.meters import Meters

JSON, SSE, NDJSON, CSV = "application/json", "text/event-stream", "application/x-ndjson", "text/csv"
FORMS = (JSON, SSE, NDJSON, CSV)

_log = structlog.stdlib.get_logger(__name__)

# The server of the service closes the reader, which ends every stream in order. The library handles signals only.
AppStatus.enable_automatic_graceful_drain = False


class _Stream(EventSourceResponse):
    """A stream of any media type. Its connection is closed when the client stops reading."""

    def __init__(self, content: AsyncIterator[Any], meters: Meters, **options: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(content, **options)
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the stream."""
        try:
            with self._meters.following():
                await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("disconnected a client that stopped reading", path=scope["path"])


@dataclass(frozen=True)
class Streams:
    """Turns the events of jobs into answers.

    Attributes:
        store: Holds the events.
        reader: Reads new events.
        meters: Counts the open streams and the sent events.
        max_bytes: The approximate limit on the size of one JSON document.
        ping_seconds: The interval of pings in a stream of server-sent events without events.
        send_timeout: Seconds after which the connection of a client that reads nothing is closed.
    """

    store: Store
    reader: EventReader
    meters: Meters
    max_bytes: int
    ping_seconds: int = 15
    send_timeout: float = 30

    def answer(self, tenant: str, job: Job, view: View, form: str, after: str, *, follow: bool) -> Response:
        """The events of a job after the event with the id `after`, in one of the `FORMS`.

        Server-sent events always last until the job has ended, NDJSON and CSV only with `follow`.
        """
        if follow or form == SSE:
            return self._live(tenant, job, view, form, after)
        return self._snapshot(tenant, job, view, form, after)

    def _snapshot(self, tenant: str, job: Job, view: View, form: str, after: str) -> Response:
        """The present events, in any form but server-sent events; a long answer is generated while it is sent."""
        events = self.store.events.all(tenant, job.id, after)
        match form:
            case "application/json":
                content = self._document(job, view, events)
            case "application/x-ndjson":
                content = (ndjson_line(row) for event in events if (row := view.row(event)) is not None)
            case _:
                rows = (row for event in events if (row := view.row(event)) is not None)
                content = chain([csv_line(view.columns)], (csv_line(_values(row, view)) for row in rows))
        return generated(content, form, {"cache-control": "no-cache"})

    def _document(self, job: Job, view: View, events: Iterator[StoredEvent]) -> Iterator[bytes]:
        """One JSON document. After `max_bytes` it ends early, with the id after which the next document continues."""
        yield f'{{"job":{json_text(job.id)},"status":{json_text(job.status)},"data":['.encode()
        size, last, following = 0, "", None
        for event in events:
            if size > self.max_bytes:
                following = last
                self.meters.answers_cut.labels("events").inc()
                break
            if (row := view.row(event)) is not None:
                # Not the ids of other events: the losses of an epoch are in the event right before the epoch's.
                last = event.id
                text = json_text(row).encode()
                yield b"," + text if size else text
                size += len(text)
        yield f'],"has_more":{json_text(following is not None)},"next":{json_text(following)}}}'.encode()

    def _live(self, tenant: str, job: Job, view: View, form: str, after: str) -> Response:
        """The present and future events, in any form but one JSON document.

        The stream ends when the job ends, when the service stops, and when the client reads too slowly. The client can
        continue after the last id that it received.
        """
        if job.status.is_final and not self.store.events.read(tenant, job.id, after, 1):
            return Response(status_code=204)  # a 204 also keeps a browser's EventSource from reconnecting
        match form:
            case "text/event-stream":
                chunks: AsyncIterator[Any] = self._server_sent(tenant, job, view, after)
            case "application/x-ndjson":
                chunks = self._lines(tenant, job, view, after)
            case _:
                chunks = self._table(tenant, job, view, after)
        return _Stream(
            chunks,
            self.meters,
            media_type=form,
            headers={"cache-control": "no-store, no-transform"},
            ping=self.ping_seconds if form == SSE else 0,
            send_timeout=self.send_timeout,
        )

    async def _server_sent(
        self, tenant: str, job: Job, view: View, after: str
    ) -> AsyncIterator[ServerSentEvent | bytes]:
        # Sent at once, so that a proxy forwards the headers. Clients reconnect one second after a stream breaks off.
        yield ServerSentEvent(retry=1000)
        async for event in self._events(tenant, job, after):
            if view.includes(event):
                self.meters.events_sent.inc()
                yield _message(event)
            if event.is_last:
                end = {"job": job.id, "status": event.data["to"], "reason": event.data["reason"]}
                yield ServerSentEvent(json_text(end), event="end", id=event.id)

    async def _lines(self, tenant: str, job: Job, view: View, after: str) -> AsyncIterator[bytes]:
        async for event in self._events(tenant, job, after):
            if (row := view.row(event)) is not None:
                self.meters.events_sent.inc()
                yield ndjson_line(row)

    async def _table(self, tenant: str, job: Job, view: View, after: str) -> AsyncIterator[bytes]:
        yield csv_line(view.columns)
        async for event in self._events(tenant, job, after):
            if (row := view.row(event)) is not None:
                self.meters.events_sent.inc()
                yield csv_line(_values(row, view))

    async def _events(self, tenant: str, job: Job, after: str) -> AsyncIterator[StoredEvent]:
        try:
            async for event in self.reader.follow(tenant, job.id, after):
                yield event
        except StoreUnavailable as error:
            # The answer has begun, so no error status can be sent: the stream ends, and the client can reconnect.
            _log.warning("a stream ended early", job=job.id, error=str(error))


@lru_cache(maxsize=16)
def _message(event: StoredEvent) -> bytes:
    """The encoded event, cached: all clients that follow its job, possibly hundreds, get the same bytes."""
    return ServerSentEvent(event.text, event=event.type, id=event.id).encode()


def _values(row: dict[str, Any], view: View) -> list[Any]:
    return [row.get(column) for column in view.columns]
