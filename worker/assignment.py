"""Which attempt a child process is to make."""

import json
from dataclasses import asdict, dataclass

from pippin.store import Claim


@dataclass(frozen=True)
class Assignment:
    """One try of a job, given to one child.

    Attributes:
        claim: The job, the attempt's number and its token. The parent draws the token, so that it can settle the
            attempt of a child that died.
        worker: The worker's name, as `/workers` shows it.
        engine: The name of the engine that trains.
    """

    claim: Claim
    worker: str
    engine: str

    def to_json(self) -> str:
        """One line, for a child that shares no memory with its parent."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> "Assignment":
        """What `to_json` wrote."""
        fields = json.loads(line)
        return cls(claim=Claim(**fields.pop("claim")), **fields)
