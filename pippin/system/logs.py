"""How every Pippin process logs."""

import logging
import re
import sys
import textwrap
import threading
import traceback
from collections.abc import MutableMapping
from types import TracebackType
from typing import Any, Literal, TextIO

import structlog

from pippin.system.terminal import printable, printable_lines

Format = Literal["auto", "json", "console"]

# What must never be read in a log, wherever it was printed into: the password of an address, the secret of a token,
# and what a header of credentials says.
_SECRETS = (
    (re.compile(r"(?<=://)([^\s/:@\"']*):[^\s/\"']+@"), r"\1:***@"),
    (re.compile(r"(pippin_[0-9a-z]{26}_)[0-9a-f]{64}"), r"\1***"),
    (re.compile(r"(?i)(\b(?:bearer|basic) )[\w.~+/=-]{8,}"), r"\1***"),
)


# As redis-py writes them: "Error 111 connecting to 10.0.0.5:6379. Connection refused."
_ADDRESS = re.compile(r"\b((?:connecting to|reading from|writing to)(?: unix socket:)? )(?:unix:/*)?\S+")


def without_addresses(text: str) -> str:
    """`text` without the servers' addresses that errors of redis-py quote."""
    return _ADDRESS.sub(r"\1***", text)


def masked(text: str) -> str:
    """`text` without the secrets that can be recognised by their form."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return without_addresses(text)


def configure(level: str, form: Format = "auto") -> None:
    """Send every log line of the process to standard error, what ends it or one of its threads included.

    Args:
        level: The least level that is shown: debug, info, warning or error.
        form: One JSON object a line, or lines for people; auto is the latter on a terminal.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    if form == "console" or (form == "auto" and terminal):
        # Its own way with tracebacks shows every local variable, passwords among them, and takes seconds.
        console = structlog.dev.ConsoleRenderer(colors=terminal, exception_formatter=_write_traceback)
        rendering: list[structlog.typing.Processor] = [_make_printable, console]
    else:
        rendering = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler()
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering, _mask],
        )
    )
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def indented(traceback: str) -> str:
    """A traceback that cannot be taken for log lines, whatever the errors in it quote."""
    return textwrap.indent(printable_lines(traceback.rstrip("\n")), "    ", lambda _: True)


def _make_printable(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape what clients sent, for lines that people read; in JSON it is escaped already."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in entry.items()}


def _write_traceback(file: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    file.write("\n" + indented("".join(traceback.format_exception(*exc_info))))


def _mask(_logger: object, _method: str, line: MutableMapping[str, Any] | str) -> str:
    """The last step: whatever a line is made of, it leaves without secrets."""
    assert isinstance(line, str)
    return masked(line)


def _log_uncaught(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, where)
    else:
        structlog.get_logger(__name__).critical("uncaught", exc_info=(kind, error, where))


def _log_uncaught_in_thread(caught: threading.ExceptHookArgs) -> None:
    if not issubclass(caught.exc_type, SystemExit) and caught.exc_value is not None:
        thread = caught.thread.name if caught.thread else None
        information = (caught.exc_type, caught.exc_value, caught.exc_traceback)
        structlog.get_logger(__name__).critical("uncaught in a thread", thread=thread, exc_info=information)
