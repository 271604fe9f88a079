"""Logging of all Pippin processes."""

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

# Secrets that must never appear in a log, anywhere in a line: the password of a URL, the secret of a token, and the
# credentials of an Authorization header.
_SECRETS = (
    (re.compile(r"(?<=://)([^\s/:@\"']*):[^\s/\"']+@"), r"\1:***@"),
    (re.compile(r"(pippin_[0-9a-z]{26}_)[0-9a-f]{64}"), r"\1***"),
    (re.compile(r"(?i)(\b(?:bearer|basic) )[\w.~+/=-]{8,}"), r"\1***"),
)


# As redis-py writes them: "Error 111 connecting to 10.0.0.5:6379. Connection refused."
_ADDRESS = re.compile(r"\b((?:connecting to|reading from|writing to)(?: unix socket:)? )(?:unix:/*)?\S+")


def without_addresses(text: str) -> str:
    """`text` without the server addresses that redis-py's errors contain."""
    return _ADDRESS.sub(r"\1***", text)


def masked(text: str) -> str:
    """`text` without secrets that are recognisable by their form."""
    for pattern, instead in _SECRETS:
        text = pattern.sub(instead, text)
    return without_addresses(text)


def configure(level: str, form: Format = "auto") -> None:
    """Send every log line of the process to standard error, including uncaught exceptions in any thread.

    Args:
        level: The lowest level that is logged: debug, info, warning or error.
        form: `json` for one JSON object a line, `console` for readable lines, `auto` for `console` on a terminal.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    terminal = sys.stderr.isatty()
    if form == "console" or (form == "auto" and terminal):
        # The renderer's own tracebacks show every local variable, including passwords, and take seconds.
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
    """A traceback, indented so that it cannot be mistaken for log lines, whatever its error messages contain."""
    return textwrap.indent(printable_lines(traceback.rstrip("\n")), "    ", lambda _: True)


def _make_printable(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Escape unsafe characters in text from clients, for the console format; JSON is escaped already."""
    return {name: printable(value) if isinstance(value, str) else value for name, value in entry.items()}


def _write_traceback(file: TextIO, exc_info: structlog.typing.ExcInfo) -> None:
    file.write("\n" + indented("".join(traceback.format_exception(*exc_info))))


def _mask(_logger: object, _method: str, line: MutableMapping[str, Any] | str) -> str:
    """Mask secrets in the rendered line; the last step of rendering."""
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
