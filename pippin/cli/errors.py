"""The exit codes, and the translation of each error into a text on stderr and an exit code."""

import re
from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from pippin.cli import output
from pippin.errors import Fault, FaultyDocumentError, PippinError, summarised

if TYPE_CHECKING:
    from pippin.client.errors import ServiceError


class Exit(IntEnum):
    """The exit codes; scripts depend on them."""

    OK = 0
    JOB_FAILED = 1
    FAULT_FOUND = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class CommandError(PippinError):
    """An error with its exit code and its text: what failed, why, and what to do."""

    def __init__(self, code: Exit, what: str, why: list[str] | None = None, now: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.why = why or []
        self.now = now


def not_written(error: OSError, to: Path | str | None) -> CommandError:
    """The error about a file that cannot be written to `to`."""
    path = Path(error.filename or to or "")
    if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
        return CommandError(Exit.USAGE, f"{path} cannot be written: there is no folder {path.parent}.")
    return CommandError(Exit.USAGE, f"{path} cannot be written: {error.strerror}.")


class Commands(TyperGroup):
    """The root command group, which turns errors into texts and exit codes."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer does not export the type of its context
        """Run the command; every `PippinError` becomes a text and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
        except typer.BadParameter as error:
            # typer validates with pydantic, and prints pydantic's messages.
            error.message = error.message.removeprefix("Value error, ").replace("Input should be", "needs to be")
            raise
        except PippinError as error:
            command_error = _command_error(error)
            output.error(str(command_error), command_error.why, command_error.now)
            raise typer.Exit(command_error.code) from None


def _command_error(error: PippinError) -> CommandError:
    if isinstance(error, CommandError):
        return error
    # Imported here, not at the start: the command that raised a client's error has imported the client already.
    from pippin.client.errors import DamagedDownloadError, ServiceError, ServiceUnreachable

    if isinstance(error, ServiceUnreachable):
        return CommandError(Exit.UNREACHABLE, str(error), now=_START_HINT if error.is_absent else _ADDRESS_HINT)
    if isinstance(error, DamagedDownloadError):
        return CommandError(Exit.UNREACHABLE, str(error))
    if isinstance(error, ServiceError):
        return _refused(error)
    if isinstance(error, FaultyDocumentError):
        what = str(error).partition(":")[0].capitalize()
        return CommandError(Exit.REFUSED, f"{what}.", sentences(error.faults))
    return CommandError(Exit.USAGE, str(error))


def _refused(error: "ServiceError") -> CommandError:
    """The error about a refused call. The title and the status are shown only if there is no detail."""
    is_unavailable = error.status in {502, 503, 504}
    code = Exit.UNREACHABLE if is_unavailable else Exit.REFUSED
    hint = _HINTS.get(error.status, "")
    if error.status == _NOT_FOUND:
        hint = next((text for what, text in _LIST_HINTS.items() if error.detail.startswith(what)), "")
    faults = sentences(error.faults)
    if len(faults) == 1:
        return CommandError(code, faults[0], now=hint)
    if faults:
        return CommandError(code, f"The service found {len(faults):,} faults.", faults, hint)
    return CommandError(code, error.detail or f"The service responded: {error.title} ({error.status}).", now=hint)


_ADDRESS_HINT = "The address of the service is set by PIPPIN_URL."
_START_HINT = f"Start a service with `pippin up`, or use another one. {_ADDRESS_HINT}"
_NOT_FOUND = 404
_LIST_HINTS = {
    "There is no job": "List them with `pippin jobs`.",
    "There is no dataset": "List them with `pippin datasets list`.",
    "There is no model": "List them with `pippin models list`.",
}
_HINTS = {
    401: "Create a token with `pippin tokens create` on the service's machine, and set PIPPIN_TOKEN_FILE to its file.",
    403: "The token's file is set by PIPPIN_TOKEN_FILE; `pippin tokens list` shows the role of each token.",
    500: "The service's log has details under the id above.",
}


# Query parameters that are options of a command.
_QUERY_OPTIONS = frozenset(
    ["status", "label", "limit", "format", "target", "inputs", "shape", "scale", "color", "header", "top", "split"]
)
_QUERY_PARAMETER = re.compile(r"(?<![^ (])(format|target|inputs|header|shape|scale|color|background)=(?=(\w)?)")
# Members of a body that are options of a command.
_BODY_OPTIONS = frozenset(["dataset", "split", "part", "max_examples"])


def option(pointer: str) -> str:
    """The option for a query parameter or for a pointer into a body; if there is none, the result of `field`."""
    name = pointer.removeprefix("/")
    return (
        f"--{name.replace('_', '-')}"
        if name in (_BODY_OPTIONS if pointer != name else _QUERY_OPTIONS)
        else field(pointer)
    )


def in_options(text: str) -> str:
    """A message of the service, with query parameters rewritten as options: `header=true` becomes `--header true`."""
    return _QUERY_PARAMETER.sub(lambda match: f"--{match[1]}{' ' if match[2] else ''}", text)


def field(pointer: str) -> str:
    """A JSON pointer (RFC 6901) as a readable path: `model.spec.layers[1].name`; the root is empty."""
    path = ""
    for part in pointer.removeprefix("/").split("/"):
        name = part.replace("~1", "/").replace("~0", "~")
        path += f"[{name}]" if name.isdecimal() and path else f"{'.' if path else ''}{name}"
    return path


def sentences(faults: Iterable[Fault]) -> list[str]:
    """One line per fault, or per group of similar faults, in a request that was not read from a document."""
    return [f"{option(fault.pointer)}: {in_options(fault.detail)}".removeprefix(": ") for fault in summarised(faults)]
