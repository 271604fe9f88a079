"""Whose fault it is when the sandbox has no answer: that of what it was given, or this machine's."""

from pippin.errors import Fault
from service.problems import Problem, invalid, no_room
from service.sandbox import SandboxError

_SENTENCES = {
    "crashed": "reading it crashed the process that did: it is damaged, or made to do harm; make it anew",
    "too_slow": "reading it took longer than it may; needs something smaller or simpler",
    "too_large": "reading it took more memory than it may; needs something smaller or simpler",
}


_BUSY = "The service has too much else to read right now, or is ending."


def fault_of(error: SandboxError) -> Fault | None:
    """What was wrong with what the sandbox was given; None where nothing was."""
    return Fault("", _SENTENCES[error.why]) if error.why in _SENTENCES else None


def problem_of(error: SandboxError) -> Problem:
    """The 422, or the 503, for a request whose body the sandbox was given."""
    if error.why == "no_room":
        return no_room()
    fault = fault_of(error)
    return invalid([fault]) if fault else Problem("unavailable", _BUSY, headers={"retry-after": "5"})
