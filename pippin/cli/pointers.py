"""Where a fault is, in the words of the command line: an option, or a field as it is written in a document."""

import re
from collections.abc import Iterable

from pippin.errors import Fault, summarised

# Of what the service calls by these names, the commands take an option.
_PARAMETERS = frozenset(
    ["status", "label", "limit", "format", "target", "inputs", "shape", "scale", "color", "header", "top", "split"]
)
_ADVISED = re.compile(r"(?<![^ (])(format|target|inputs|header|shape|scale|color|background)=(?=(\w)?)")
_MEMBERS = frozenset(["dataset", "split", "part", "max_examples"])


def option(pointer: str) -> str:
    """The option that a query parameter or the pointer into a body stands for; else the field, as `field` writes it."""
    name = pointer.removeprefix("/")
    return f"--{name.replace('_', '-')}" if name in (_MEMBERS if pointer != name else _PARAMETERS) else field(pointer)


def in_options(text: str) -> str:
    """A message of the service with its query parameters as options: `header=true` becomes `--header true`."""
    return _ADVISED.sub(lambda match: f"--{match[1]}{' ' if match[2] else ''}", text)


def field(pointer: str) -> str:
    """A JSON pointer (RFC 6901) as a path that people write: `model.spec.layers[1].name`; the root is empty."""
    path = ""
    for part in pointer.removeprefix("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        path += f"[{name}]" if name.isdecimal() and path else f"{'.' if path else ''}{name}"
    return path


def sentences(faults: Iterable[Fault]) -> list[str]:
    """A line for each fault, or for many alike, of what a command sent without a document."""
    return [f"{option(fault.pointer)}: {in_options(fault.detail)}".removeprefix(": ") for fault in summarised(faults)]
