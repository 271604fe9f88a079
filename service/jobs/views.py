"""Which of a job's events a stream sends, and in which shape."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any, Protocol

from pippin.api.metrics import EpochMetrics
from pippin.store.events import StoredEvent


class View(Protocol):
    """One way to look at a job's events. A new one for every answer: some remember what came before."""

    columns: Sequence[str]

    def tells(self, event: StoredEvent) -> bool:
        """Whether the event is sent on its own, as server-sent events are."""
        ...

    def row(self, event: StoredEvent) -> dict[str, Any] | None:
        """What the event adds to a list, if anything: `columns` and their values."""
        ...


class MetricsView:
    """The finished epochs, and the losses of their mini-batches where they are asked for and were recorded."""

    def __init__(self, *, batches: bool) -> None:
        self.columns: Sequence[str] = (
            *EpochMetrics.model_fields,
            *(["batch_losses", "batch_every"] if batches else []),
        )
        self._batches = batches
        self._recorded: dict[str, Any] = {}

    def tells(self, event: StoredEvent) -> bool:
        """Epochs, and batches if asked."""
        return event.type == "epoch" or (self._batches and event.type == "batches")

    def row(self, event: StoredEvent) -> dict[str, Any] | None:
        """An epoch's metrics; the store records its batches right before it."""
        if event.type == "batches":
            self._recorded = event.data
        if event.type != "epoch":
            return None
        row = dict(event.data)
        if self._batches:
            # Older versions recorded every mini-batch, and did not say so.
            every = self._recorded.get("every", 1) if self._recorded else None
            row |= {"batch_losses": self._recorded.get("losses"), "batch_every": every}
            self._recorded = {}
        return row


class EventsView:
    """Everything that happened."""

    columns: Sequence[str] = ("id", "type", "time", "data")

    def tells(self, event: StoredEvent) -> bool:
        """All, but for the mini-batch losses, which are for `/metrics` to tell."""
        return event.type != "batches"

    def row(self, event: StoredEvent) -> dict[str, Any] | None:
        """The event itself."""
        if not self.tells(event):
            return None
        return {"id": event.id, "type": event.type, "time": _rfc3339(event), "data": event.data}


def _rfc3339(event: StoredEvent) -> str:
    return event.time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def json_text(value: object) -> str:
    """`value` as compact JSON. What is not finite never gets here: the store keeps it as null."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def ndjson_line(row: dict[str, Any]) -> bytes:
    """A row as a line of JSON."""
    return f"{json_text(row)}\n".encode()


def csv_line(values: Sequence[object]) -> bytes:
    """A row of a CSV as RFC 4180 has it: null is empty, and what is no single value is JSON."""
    line = io.StringIO()
    csv.writer(line).writerow(["" if value is None else _cell(value) for value in values])
    return line.getvalue().encode()


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json_text(value)
