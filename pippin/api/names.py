"""What people may call jobs, datasets, models, tokens and workers, so that a name can stand wherever an id can."""

from typing import Final

from pippin.errors import PippinError
from pippin.ids import has_id_form
from pippin.system.terminal import printable

LAST: Final = "last"
"""Stands for the newest record of a kind, so nothing can be called so."""

KINDS: Final = ("job", "ds", "dataset", "model", "token")
"""What the ids of records begin with, and `dataset`, which people take for one of them."""

_SHOWN = 60


class InvalidNameError(PippinError):
    """A name that nothing can have; the text says why."""


def name_fault(name: str) -> str | None:
    """What is wrong with a name; None where nothing is.

    A name is a part of addresses such as `/models/{name}`, an argument of commands and a line of lists.
    """
    shown = repr(name if len(name) <= _SHOWN else f"{name[:_SHOWN]}…")
    if not name:
        return "found ''; needs at least 1 character"
    if printable(name) != name:
        return f"found {shown}; needs a name without control characters, line breaks and invisible characters"
    if not name.strip():
        return f"found {shown}; needs a name with more than spaces"
    if "/" in name or "\\" in name:
        return f"found {shown}; needs a name without slashes: they divide an address into parts"
    if name == "." or ".." in name:
        return f"found {shown}; needs a name other than '.' and without '..': an address would lead elsewhere"
    if name.lower() == LAST:
        return f"found {shown}; needs another name: 'last' stands for the newest one"
    if has_id_form(name, KINDS):
        return f"found {shown}; needs a name that has not the form of an id"
    return None


def checked(name: str) -> str:
    """The name itself.

    Raises:
        ValueError: Nothing can be called so; the text says why.
    """
    if fault := name_fault(name):
        raise ValueError(fault)
    return name


def require(name: str) -> str:
    """The name itself, for callers whose errors reach people.

    Raises:
        InvalidNameError: Nothing can be called so.
    """
    if fault := name_fault(name):
        raise InvalidNameError(fault)
    return name


def checked_label_key(key: str) -> str:
    """The key of a label.

    Raises:
        ValueError: It has characters that no list could show, or an equals sign, at which `key=value` would be divided.
    """
    if "=" in key:
        raise ValueError(f"found the key {key[:_SHOWN]!r}; needs a key without '=': labels are asked for as key=value")
    return checked_label_value(key)


def checked_label_value(text: str) -> str:
    """The value of a label.

    Raises:
        ValueError: It has control characters or line breaks.
    """
    if printable(text) != text:
        raise ValueError(
            f"found {text[:_SHOWN]!r}; needs text without control characters, line breaks and invisible ones"
        )
    return text
