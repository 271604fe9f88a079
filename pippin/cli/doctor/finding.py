"""What a check has found."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"


@dataclass(frozen=True)
class Finding:
    """One line of the examination.

    Attributes:
        check: What was looked at, in a word or two.
        level: How it stands.
        found: What was found.
        advice: What to do about it; empty where nothing needs to be done.
    """

    check: str
    level: Level
    found: str
    advice: str = ""

    def __post_init__(self) -> None:
        # Whoever is told of trouble is told what to do.
        assert self.level is Level.OK or self.advice


def ok(check: str, found: str) -> Finding:
    """All is well."""
    return Finding(check, Level.OK, found)


def warning(check: str, found: str, advice: str) -> Finding:
    """Jobs are trained, but not as well or as safely as they could be; or it depends on what this machine is for."""
    return Finding(check, Level.WARNING, found, advice)


def fault(check: str, found: str, advice: str) -> Finding:
    """A worker cannot train here, or what it does may be lost."""
    return Finding(check, Level.FAULT, found, advice)
