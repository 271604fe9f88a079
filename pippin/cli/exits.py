"""The exit codes, and how each error becomes a sentence on stderr and one of them."""

from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from pippin.cli import output, pointers
from pippin.errors import FaultyDocumentError, PippinError

if TYPE_CHECKING:
    from pippin.client.errors import ServiceError


class Exit(IntEnum):
    """What a script can rely on."""

    OK = 0
    JOB_FAILED = 1
    FAULT_FOUND = 1
    USAGE = 2
    REFUSED = 3
    UNREACHABLE = 4
    INTERRUPTED = 130


class ToldError(PippinError):
    """An error with its exit code and its whole text: what, why, what now."""

    def __init__(self, code: Exit, what: str, why: list[str] | None = None, now: str = "") -> None:
        super().__init__(what)
        self.code = code
        self.why = why or []
        self.now = now


def not_written(error: OSError, to: Path | str | None) -> ToldError:
    """The error of a file that cannot be written to `to`."""
    path = Path(error.filename or to or "")
    if isinstance(error, FileNotFoundError) and not path.parent.is_dir():
        return ToldError(Exit.USAGE, f"{path} cannot be written: there is no folder {path.parent}.")
    return ToldError(Exit.USAGE, f"{path} cannot be written: {error.strerror}.")


class Commands(TyperGroup):
    """The root of all commands: the one place where errors end."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps the type of its context to itself
        """Runs the command; every error that Pippin raises on purpose becomes a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
        except typer.BadParameter as error:
            # typer has pydantic check what was typed, and prints its words.
            error.message = error.message.removeprefix("Value error, ").replace("Input should be", "needs to be")
            raise
        except PippinError as error:
            told = _told(error)
            output.error(str(told), told.why, told.now)
            raise typer.Exit(told.code) from None


def _told(error: PippinError) -> ToldError:
    if isinstance(error, ToldError):
        return error
    # Imported with the first error, and by then the command that raised it has long paid for them.
    from pippin.client.errors import DamagedDownloadError, ServiceError, ServiceUnreachable

    if isinstance(error, ServiceUnreachable):
        return ToldError(Exit.UNREACHABLE, str(error), now=_START if error.is_absent else _ADDRESS)
    if isinstance(error, DamagedDownloadError):
        return ToldError(Exit.UNREACHABLE, str(error))
    if isinstance(error, ServiceError):
        return _refused(error)
    if isinstance(error, FaultyDocumentError):
        what = str(error).partition(":")[0].capitalize()
        return ToldError(Exit.REFUSED, f"{what}.", pointers.sentences(error.faults))
    return ToldError(Exit.USAGE, str(error))


def _refused(error: "ServiceError") -> ToldError:
    """What the service said about the call. The title and the status are for programs, unless there is nothing else."""
    away = error.status in {502, 503, 504}
    code = Exit.UNREACHABLE if away else Exit.REFUSED
    hint = _HINTS.get(error.status, "")
    if error.status == _NOT_FOUND:
        hint = next((text for what, text in _LISTS.items() if error.detail.startswith(what)), "")
    faults = pointers.sentences(error.faults)
    if len(faults) == 1:
        return ToldError(code, faults[0], now=hint)
    if faults:
        return ToldError(code, f"The service found {len(faults):,} faults.", faults, hint)
    return ToldError(code, error.detail or f"The service answered: {error.title} ({error.status}).", now=hint)


_ADDRESS = "PIPPIN_URL names the address of the service."
_START = f"Start a service here with `pippin up`, or name another: {_ADDRESS}"
_NOT_FOUND = 404
_LISTS = {
    "There is no job": "`pippin jobs` shows them.",
    "There is no dataset": "`pippin datasets list` shows them.",
    "There is no model": "`pippin models list` shows them.",
}
_HINTS = {
    401: "`pippin tokens create` makes a token, where the service's Redis is; name its file in PIPPIN_TOKEN_FILE.",
    403: "PIPPIN_TOKEN_FILE names the file of the token; `pippin tokens list` shows what each allows.",
    500: "The service's log has more, under the id above.",
}
