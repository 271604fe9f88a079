"""Standard output that ends the command where it cannot be written: a reader that has gone, a full disk."""

import errno
import io
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

_READER_GONE = 141  # 128 + SIGPIPE: what a shell reports for a program that this signal has ended
_FAILED = 1


class Stdout(io.TextIOWrapper):
    """Replaces `sys.stdout` for the commands.

    A write that fails raises `SystemExit`, which no handler of errors of files takes for one of its own: with code 141
    and silently if the reader of a pipe has gone, else with code 1 and a sentence on stderr.
    """

    def write(self, text: str, /) -> int:
        """Writes as a text stream does."""
        try:
            return super().write(text)
        except OSError as error:
            self._fail(error)

    def flush(self) -> None:
        """Flushes as a text stream does."""
        try:
            super().flush()
        except OSError as error:
            self._fail(error)

    def _fail(self, error: OSError) -> NoReturn:
        # What is left in the buffers is flushed when Python ends, and would fail again there.
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, self.fileno())
        os.close(null)
        if error.errno == errno.EPIPE:
            raise SystemExit(_READER_GONE) from None
        why = "it is closed" if error.errno == errno.EBADF else (error.strerror or str(error)).lower()
        complain(f"Error: Standard output cannot be written: {why}.")
        raise SystemExit(_FAILED) from None


def complain(line: str) -> None:
    """Writes a line to stderr, if there is one that can be written."""
    if sys.stderr is not None:
        with suppress(OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()


def drop_unwritten_errors() -> None:
    """Flushes stderr, and drops what cannot be written: Python would end with code 120 instead of the command's."""
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

    Closed as by `>&-`, its descriptor is taken, so that no socket gets it, and opened for reading: each write fails.
    """
    if sys.stdout is None:
        descriptor = os.open(os.devnull, os.O_RDONLY)
        if descriptor != 1:
            os.dup2(descriptor, 1)
            os.close(descriptor)
        return Stdout(io.FileIO(1, "w", closefd=False), encoding="utf-8", write_through=True)
    stdout: Any = sys.stdout
    options = {"encoding": stdout.encoding, "line_buffering": stdout.line_buffering, "newline": ""}
    # What the terminal's encoding lacks is shown escaped; the default is a traceback.
    return Stdout(stdout.detach(), errors="backslashreplace", **options)
