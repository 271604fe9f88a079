"""The events of jobs, read from their streams."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, Literal, cast

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Artifact
from pippin.api.metrics import EpochMetrics
from pippin.api.states import Status
from pippin.store import keys
from pippin.store.client import Client
from pippin.store.errors import MalformedEventId

EventType = Literal["state", "epoch", "batches", "log", "artifact", "checkpoint"]

START = "0-0"  # before every event
# Events that a reader holds at once; the mini-batch losses of one epoch take about 10 KB.
_PAGE = 200
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The members that the data of each type of event must have.
_MEMBERS: dict[str, set[str]] = {
    "state": {"from", "to", "attempt", "reason"},
    "epoch": {name for name, field in EpochMetrics.model_fields.items() if field.is_required()},
    "batches": {"epoch", "attempt", "losses"},
    "log": {"line", "attempt"},
    "artifact": set(Artifact.model_fields),
    "checkpoint": set(StoredCheckpoint.model_fields),
}


@dataclass(frozen=True)
class StoredEvent:
    """An event of a job.

    Attributes:
        id: Position in the job's stream, `milliseconds-number`; ordered, unique within the job.
        type: Type of the event.
        text: The recorded JSON: most readers pass it on without parsing it.
        time: Time of the event, by the clock of Redis.
    """

    id: str
    type: EventType
    text: str
    time: datetime

    @cached_property
    def data(self) -> dict[str, Any]:
        """The parsed data.

        For `state`: from, to, attempt, reason. For `epoch`: the epoch's metrics. For `batches`: epoch, attempt, losses,
        and `every`: one loss is recorded for every so many mini-batches (absent in records of older versions).
        For `log`: line, attempt. For `artifact`: the artifact. For `checkpoint`: the checkpoint.
        """
        parsed: dict[str, Any] = json.loads(self.text)
        return parsed

    @property
    def is_last(self) -> bool:
        """Whether this is the job's last event: the job has reached a final state."""
        return self.type == "state" and Status(self.data["to"]).is_final


def parse_event_id(text: str) -> tuple[int, int]:
    """An event's id as two integers that compare in stream order.

    Raises:
        MalformedEventId: The text is not `milliseconds` or `milliseconds-number`, each below 2**64.
    """
    milliseconds, dash, number = text.partition("-")
    parts = (milliseconds, number if dash else "0")
    if all(part.isascii() and part.isdigit() and len(part) <= 20 and int(part) < 2**64 for part in parts):
        return int(parts[0]), int(parts[1])
    raise MalformedEventId(f"{text[:50]!r} is not the id of an event; needs the form 1763940000000-0")


def decode_event(entry: tuple[str, dict[str, str]]) -> StoredEvent | None:
    """An event from a stream entry, in redis-py's format.

    None for an entry that is not an event, or of a type that a newer version added: such an entry is skipped.
    """
    event_id, fields = entry
    milliseconds, _ = parse_event_id(event_id)
    try:
        kind, text, at = fields["type"], fields["data"], _EPOCH + timedelta(milliseconds=milliseconds)
        data = json.loads(text)
        if not isinstance(data, dict) or not _MEMBERS[kind] <= data.keys():
            return None
        if kind == "state":
            Status(data["to"])
    except (LookupError, ValueError, OverflowError, RecursionError):
        return None
    return StoredEvent(event_id, cast("EventType", kind), text, at)


def decode_events(entries: Iterable[tuple[str, dict[str, str]]]) -> list[StoredEvent]:
    """The events among stream entries."""
    return [event for event in map(decode_event, entries) if event is not None]


class Events:
    """The event streams of jobs."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def read(self, tenant: str, job_id: str, after: str = START, count: int = _PAGE) -> list[StoredEvent]:
        """The events after the id `after`, oldest first; none for a job that was deleted.

        Raises:
            MalformedEventId: `after` is not the id of an event.
        """
        return decode_events(self._entries(tenant, job_id, after, count))

    def all(self, tenant: str, job_id: str, after: str = START) -> Iterator[StoredEvent]:
        """Every event after the id `after`, read in pages.

        Raises:
            MalformedEventId: `after` is not the id of an event.
        """
        while page := self._entries(tenant, job_id, after, _PAGE):
            yield from decode_events(page)
            after = page[-1][0]

    def epochs(self, tenant: str, job_id: str, numbers: Iterable[int]) -> dict[int, EpochMetrics]:
        """The metrics of these epochs by number, without epochs that the job did not train."""
        of, epochs = keys.job(tenant, job_id), list(numbers)
        with self._client.pipeline(transaction=False) as pipe:
            for number in epochs:
                pipe.hget(of.epochs, str(number))
            ids = [event_id for event_id in pipe.execute() if event_id is not None]
            for event_id in ids:
                pipe.xrange(of.events, event_id, event_id)
            events = [event for entries in pipe.execute() for event in decode_events(entries)]
        metrics = (EpochMetrics.model_validate(event.data, extra="ignore") for event in events)
        return {each.epoch: each for each in metrics}

    def _entries(self, tenant: str, job_id: str, after: str, count: int) -> list[tuple[str, dict[str, str]]]:
        milliseconds, number = parse_event_id(after)
        with self._client.pipeline(transaction=False) as pipe:
            pipe.xrange(keys.job(tenant, job_id).events, f"({milliseconds}-{number}", "+", count)
            entries: list[tuple[str, dict[str, str]]] = pipe.execute()[0]
        return entries
