"""What the supervisor runs, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """A process to keep running.

    Attributes:
        name: Stands before each of its log lines.
        argv: The command; holds no secret, since every user of the machine can read it.
        environment: Added to the supervisor's own; secrets go here.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)
