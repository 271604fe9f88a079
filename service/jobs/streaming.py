"""A job's events as an answer: a snapshot, or a stream that goes on until the job has ended."""

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

# Our server closes the reader, which ends every stream in order; the library would only notice uvicorn's own signals.
AppStatus.enable_automatic_graceful_drain = False


class _Stream(EventSourceResponse):
    """A stream of any media type, whose client is dropped when it stops reading."""

    def __init__(self, content: AsyncIterator[Any], meters: Meters, **options: Any) -> None:  # noqa: ANN401 - passed on
        super().__init__(content, **options)
        self._meters = meters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it."""
        try:
            with self._meters.following():
                await super().__call__(scope, receive, send)
        except SendTimeoutError:
            _log.info("dropped a client that stopped reading", path=scope["path"])


@dataclass(frozen=True)
class Streams:
    """What turns the events of jobs into answers.

    Attributes:
        store: Where the events are.
        reader: Follows them.
        meters: Counts the open streams, and what is sent.
        ping_seconds: How often a quiet stream of server-sent events gives a sign of life.
        max_bytes: About how long one JSON document may be.
        send_timeout: Seconds after which a client that reads nothing is dropped.
    """

    store: Store
    reader: EventReader
    meters: Meters
    max_bytes: int
    ping_seconds: int = 15
    send_timeout: float = 30

    def answer(self, tenant: str, job: Job, view: View, form: str, after: str, *, follow: bool) -> Response:
        """The events of a job that come after the one with the id `after`, in one of the `FORMS`.

        Server-sent events always go on until the job has ended; lines and tables if asked to `follow`.
        """
        if follow or form == SSE:
            return self._live(tenant, job, view, form, after)
        return self._snapshot(tenant, job, view, form, after)

    def _snapshot(self, tenant: str, job: Job, view: View, form: str, after: str) -> Response:
        """What is there now, in any form but server-sent events; made while it is sent, unless it is short."""
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
        """One JSON document, which ends early with the id to go on after once it has `max_bytes`."""
        yield f'{{"job":{json_text(job.id)},"status":{json_text(job.status)},"data":['.encode()
        size, last, following = 0, "", None
        for event in events:
            if size > self.max_bytes:
                following = last
                self.meters.answers_cut.labels("events").inc()
                break
            if (row := view.row(event)) is not None:
                # Not of other events: an epoch's losses come in the one right before it.
                last = event.id
                text = json_text(row).encode()
                yield b"," + text if size else text
                size += len(text)
        yield f'],"has_more":{json_text(following is not None)},"next":{json_text(following)}}}'.encode()

    def _live(self, tenant: str, job: Job, view: View, form: str, after: str) -> Response:
        """What is there now and what comes, in any form but one JSON document.

        The stream ends with the job, when the service stops, and when the client reads too slowly; from its last id
        the client can go on.
        """
        if job.status.is_final and not self.store.events.read(tenant, job.id, after, 1):
            return Response(status_code=204)  # which also tells a browser not to come back
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
        # Said at once, so that a proxy passes the headers on; a stream that was cut off is asked for again soon.
        yield ServerSentEvent(retry=1000)
        async for event in self._events(tenant, job, after):
            if view.tells(event):
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
            # The answer has begun: all that is left is to end it, and to let the client come back.
            _log.warning("a stream ended early", job=job.id, error=str(error))


@lru_cache(maxsize=16)
def _message(event: StoredEvent) -> bytes:
    """The event as it is sent to all clients that follow its job: hundreds of them cost one encoding."""
    return ServerSentEvent(event.text, event=event.type, id=event.id).encode()


def _values(row: dict[str, Any], view: View) -> list[Any]:
    return [row.get(column) for column in view.columns]
