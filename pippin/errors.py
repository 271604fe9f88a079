"""Faults of a document with their places: the one form in which every boundary reports invalid input."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault of a document.

    Attributes:
        pointer: RFC 6901 JSON pointer from the document's root to the value at fault; "" is the whole document.
        detail: A sentence that says what was found and what would be right.
        rule: The id of the rule that was broken, such as `updatable.path`; None where the value itself is malformed.
        line: The line of the value in the document's text, from 1; None where it is unknown.
        column: Its column in that line, from 1.
    """

    pointer: str
    detail: str
    rule: str | None = None
    line: int | None = None
    column: int | None = None

    def under(self, prefix: str) -> "Fault":
        """This fault in a document that contains the faulty document at `prefix`."""
        return replace(self, pointer=prefix + self.pointer)

    def of(self, rule: str) -> "Fault":
        """This fault with `rule` as the broken rule."""
        return replace(self, rule=rule)


def clipped(text: str, max_characters: int = 2000) -> str:
    """`text`, or its beginning and the number of omitted characters: text that quotes input may have any length."""
    rest = len(text) - max_characters
    return text if rest <= 0 else f"{text[:max_characters]}… ({rest:,} more characters)"


def pointer(*parts: str | int) -> str:
    """The JSON pointer made of `parts`, escaped according to RFC 6901, section 3."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in parts)


# Maximum number of faults of one kind that are listed one by one.
_ONE_BY_ONE = 3
_VARYING = re.compile(r"'(?:[^'\\]|\\.)*'|[-+]?[0-9][0-9.,e+-]*")


def summarised(faults: Iterable[Fault]) -> list[Fault]:
    """The faults in order, where many faults of one kind are merged into one that gives their number and places.

    Faults are of one kind if they differ only in names, numbers and places in lists. A fault with a hint ("did you
    mean") is only merged with faults whose text is identical.
    """
    kinds: dict[tuple[object, ...], list[Fault]] = {}
    for fault in faults:
        kinds.setdefault(_kind_of(fault), []).append(fault)
    listed: list[Fault] = []
    for alike in kinds.values():
        if len(alike) <= _ONE_BY_ONE:
            listed += alike
            continue
        first, *others = alike
        places = ", ".join(fault.pointer or "the whole" for fault in others[:_ONE_BY_ONE])
        more = "" if len(others) <= _ONE_BY_ONE else ", …"
        listed.append(
            replace(first, detail=f"{first.detail} (and {len(others):,} more of this kind, at {places}{more})")
        )
    return listed


def _kind_of(fault: Fault) -> tuple[object, ...]:
    place, _, last = fault.pointer.rpartition("/")
    at = place if repr(last) in fault.detail else fault.pointer
    detail = fault.detail if "did you mean" in fault.detail else _VARYING.sub("…", fault.detail)
    return re.sub(r"/[0-9]+(?=/|$)", "/…", at), detail, fault.rule


class PippinError(Exception):
    """The base of every error that Pippin raises on purpose; its text is a sentence for users."""


class FaultyDocumentError(PippinError):
    """A document was refused; the error contains every fault found, not only the first."""

    def __init__(self, what: str, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        shown = "; ".join(f"{fault.pointer or '(root)'}: {fault.detail}" for fault in self.faults[:5])
        more = f"; and {len(self.faults) - 5} more" if len(self.faults) > 5 else ""
        super().__init__(f"{what}: {shown}{more}")
