"""Events: the entries of a job's stream, in the order in which they happened."""

import json
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from pippin.api.states import Status

EventType = Literal["state", "epoch", "batches", "log", "artifact", "checkpoint"]


@dataclass(frozen=True)
class Event:
    """Something that happened to a job.

    Attributes:
        id: Its place in the job's stream, `milliseconds-number`; ordered, unique within the job.
        type: What kind of event.
        text: The data as JSON, as it was recorded: most of those who follow a job pass it on and never look inside.
        time: When, by the clock of Redis.
    """

    id: str
    type: EventType
    text: str
    time: datetime

    @cached_property
    def data(self) -> dict[str, Any]:
        """What happened.

        For `state`: from, to, attempt, reason. For `epoch`: the epoch's metrics. For `batches`: epoch, attempt, losses,
        and of how many mini-batches each stands for one (`every`, absent in records of older versions).
        For `log`: line, attempt. For `artifact`: the artifact. For `checkpoint`: it.
        """
        parsed: dict[str, Any] = json.loads(self.text)
        return parsed

    @property
    def is_last(self) -> bool:
        """Whether nothing can follow: the job has come to a final state."""
        return self.type == "state" and Status(self.data["to"]).is_final
