"""Rules for names of jobs, datasets, models, tokens and workers, so that a name can be given wherever an id can."""

from typing import Final

from pippin.errors import PippinError
from pippin.ids import has_id_form
from pippin.system.terminal import printable

LAST: Final = "last"
"""Refers to the newest record of a kind, so it is not allowed as a name."""

KINDS: Final = ("job", "ds", "dataset", "model", "token")
"""The prefixes of ids of records, and `dataset`, which is easily mistaken for one."""

_SHOWN = 60


class InvalidNameError(PippinError):
    """A name that is not allowed; the text says why."""


def name_fault(name: str) -> str | None:
    """What is wrong with a name; None if the name is allowed.

    A name is part of addresses such as `/models/{name}`, an argument of commands and a line of lists.
    """
    shown = repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…")
    if not name:
        return "found ''; needs at least 1 character"
    if printable(name) != name:
        return f"found {shown}; needs a name without control characters, line breaks and invisible characters"
    if not name.strip():
        return f"found {shown}; needs a name with more than spaces"
    if "/" in name or "\\" in name:
        return f"found {shown}; needs a name without slashes, which separate the parts of a path"
    if name == "." or ".." in name:
        return f"found {shown}; needs a name other than '.' and without '..', which have a meaning in paths"
    if name.lower() == LAST:
        return f"found {shown}; needs another name: 'last' is reserved for the newest one"
    if has_id_form(name, KINDS):
        return f"found {shown}; needs a name that does not look like an id"
    return None


def checked(name: str) -> str:
    """Return the name if it is allowed.

    Raises:
        ValueError: The name is not allowed; the text says why.
    """
    if fault := name_fault(name):
        raise ValueError(fault)
    return name


def require(name: str) -> str:
    """Return the name if it is allowed; for callers whose errors are shown to users.

    Raises:
        InvalidNameError: The name is not allowed.
    """
    if fault := name_fault(name):
        raise InvalidNameError(fault)
    return name


def checked_label_key(key: str) -> str:
    """Return the key of a label if it is allowed.

    Raises:
        ValueError: The key contains characters that lists cannot show, or an equals sign, which separates `key=value`.
    """
    if "=" in key:
        raise ValueError(
            f"found the key {key[:_SHOWN]!r}; needs a key without '=', since queries write labels as key=value"
        )
    return checked_label_value(key)


def checked_label_value(text: str) -> str:
    """Return the value of a label if it is allowed.

    Raises:
        ValueError: The value contains control characters or line breaks.
    """
    if printable(text) != text:
        raise ValueError(
            f"found {text[:_SHOWN]!r}; needs text without control characters, line breaks and invisible ones"
        )
    return text
