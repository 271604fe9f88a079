"""The exit codes, and how each error becomes a sentence on stderr and one of them."""

from enum import IntEnum
from typing import Any

import typer
from typer.core import TyperGroup

from pippin.cli import output
from pippin.faults import FaultyDocumentError, PippinError, summarised


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


class Commands(TyperGroup):
    """The root of all commands: the one place where errors end."""

    def invoke(self, ctx: Any) -> Any:  # noqa: ANN401 - typer keeps the type of its context to itself
        """Runs the command; every error that Pippin raises on purpose becomes a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(Exit.INTERRUPTED) from None
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
        now = f"`pippin up` starts one here; PIPPIN_URL names another than {error.url}."
        return ToldError(Exit.UNREACHABLE, str(error), now=now)
    if isinstance(error, DamagedDownloadError):
        return ToldError(Exit.UNREACHABLE, str(error))
    if isinstance(error, ServiceError):
        away = error.status in {502, 503, 504}
        code = Exit.UNREACHABLE if away else Exit.REFUSED
        why = [error.detail, *(f"{fault.pointer or '(root)'}: {fault.detail}" for fault in error.faults)]
        return ToldError(
            code, f"{error.title} ({error.status}).", [line for line in why if line], _HINTS.get(error.status, "")
        )
    if isinstance(error, FaultyDocumentError):
        what = str(error).partition(":")[0].capitalize()
        lines = [f"{fault.pointer}: {fault.detail}".removeprefix(": ") for fault in summarised(error.faults)]
        return ToldError(Exit.REFUSED, f"{what}.", lines)
    return ToldError(Exit.USAGE, str(error))


_HINTS = {
    401: "`pippin tokens create` makes one, where the service's Redis is; name its file in PIPPIN_TOKEN_FILE.",
    403: "PIPPIN_TOKEN_FILE names the file of the token; `pippin tokens list` shows what each allows.",
    404: "`pippin jobs`, `pippin datasets list` and `pippin models list` show what there is.",
    500: "The service's log has more, under the id above.",
}
