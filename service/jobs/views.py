"""The events of a job that a stream sends, and their form."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Protocol

from pippin.api.metrics import EpochMetrics
from pippin.store.events import StoredEvent


class View(Protocol):
    """A selection of a job's events. Each answer needs a new view, since a view may keep state between events."""

    columns: Sequence[str]

    def includes(self, event: StoredEvent) -> bool:
        """Whether the event is sent as a server-sent event of its own."""
        ...

    def row(self, event: StoredEvent) -> dict[str, Any] | None:
        """The row that the event adds to a list, if any: `columns` and their values."""
        ...


class MetricsView:
    """The finished epochs, and the losses of their mini-batches if requested and recorded."""

    def __init__(self, *, batches: bool) -> None:
        self.columns: Sequence[str] = (
            *EpochMetrics.model_fields,
            *(["batch_losses", "batch_every"] if batches else []),
        )
        self._batches = batches
        self._recorded: dict[str, Any] = {}

    def includes(self, event: StoredEvent) -> bool:
        """Epochs, and batches if requested."""
        return event.type == "epoch" or (self._batches and event.type == "batches")

    def row(self, event: StoredEvent) -> dict[str, Any] | None:
        """The metrics of an epoch; the store records its batches right before the epoch."""
        if event.type == "batches":
            self._recorded = event.data
        if event.type != "epoch":
            return None
        row = dict(event.data)
        if self._batches:
            # Older versions recorded every mini-batch, without the field `every`.
            every = self._recorded.get("every", 1) if self._recorded else None
            row |= {"batch_losses": self._recorded.get("losses"), "batch_every": every}
            self._recorded = {}
        return row


class EventsView:
    """All events but the losses of mini-batches."""

    columns: Sequence[str] = ("id", "type", "time", "data")

    def includes(self, event: StoredEvent) -> bool:
        """All but the losses of mini-batches, which are part of `/metrics`."""
        return event.type != "batches"

    def row(self, event: StoredEvent) -> dict[str, Any] | None:
        """The event itself."""
        if not self.includes(event):
            return None
        return {"id": event.id, "type": event.type, "time": _rfc3339(event), "data": event.data}


def _rfc3339(event: StoredEvent) -> str:
    return event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_text(value: object) -> str:
    """`value` as compact JSON. It holds no number that is not finite: the store keeps those as null."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def ndjson_line(row: dict[str, Any]) -> bytes:
    """A row as a line of JSON."""
    return f"{json_text(row)}\n".encode()


def csv_line(values: Sequence[object]) -> bytes:
    """A row of a CSV (RFC 4180): null is an empty field, and a value that is not a string is JSON."""
    line = io.StringIO()
    csv.writer(line).writerow(["" if value is None else _cell(value) for value in values])
    return line.getvalue().encode()


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)
