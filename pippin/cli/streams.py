"""Standard output that ends the command if a write fails, for example on a closed pipe or a full disk."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

_PIPE_CLOSED = 141  # 128 + SIGPIPE: the exit code that a shell reports for a program ended by this signal
_WRITE_FAILED = 1


class Stdout(io.TextIOWrapper):
    """Replaces `sys.stdout` for the commands.

    A write that fails raises `SystemExit`, which no handler of `OSError` catches: with code 141 and no message if the
    pipe is closed, else with code 1 and a message on stderr.
    """

    def write(self, text: str, /) -> int:
        """Write to the text stream."""
        try:
            return super().write(text)
        except OSError as error:
            self._fail(error)

    def flush(self) -> None:
        """Flush the text stream."""
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        # Python flushes the remaining buffers at exit; without this, that would fail too.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)
        if error.errno == errno.EPIPE:
            raise SystemExit(_PIPE_CLOSED) from None
        why = "it is closed" if error.errno == errno.EBADF else (error.strerror or str(error)).lower()
        write_error_line(f"Error: Standard output cannot be written: {why}.")
        raise SystemExit(_WRITE_FAILED) from None


def write_error_line(line: str) -> None:
    """Write a line to stderr, if stderr exists and can be written."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def drop_unwritten_errors() -> None:
    """Flush stderr, and drop output that cannot be written: Python would exit with 120, not with the command's code."""
    if sys.stderr is None:
        return
    try:
        sys.stderr.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stderr.fileno())
        os.close(null)


def checked_stdout() -> Stdout:
    """Standard output as a `Stdout`.

    If stdout is closed, as by `>&-`, its descriptor is opened on the null device for reading: no socket can get the
    descriptor, and each write fails.
    """
    if sys.stdout is None:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        if descriptor != 1:
            os.dup2(descriptor, 1)
            os.close(descriptor)
        return Stdout(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
    stdout: Any = sys.stdout
    options = {"encoding": stdout.encoding, "line_buffering": stdout.line_buffering, "newline": ""}
    # Characters that the terminal's encoding lacks are escaped; by default they cause a traceback.
    return Stdout(stdout.detach(), errors="backslashreplace", **options)
