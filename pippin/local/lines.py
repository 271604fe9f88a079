"""Cuts a process's output into lines as it comes."""

import codecs
from collections import deque
from collections.abc import Callable

_LONGEST = 20_000  # a line beyond this is handed on in pieces: a process that prints no line end fills no memory


class Lines:
    """The output of one process.

    Args:
        each: Called with every line.

    Attributes:
        last: The last lines, oldest first.
    """

    def __init__(self, each: Callable[[str], None]) -> None:
        self.last: deque[str] = deque(maxlen=20)
        self._each = each
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes."""
        *lines, self._rest = (self._rest + self._decoder.decode(chunk)).split("\n")
        for line in lines:
            self._line(line.removesuffix("\r"))
        if len(self._rest) > _LONGEST:
            self.end()

    def end(self) -> None:
        """Hands on what came without a line end."""
        if self._rest:
            self._line(self._rest)
        self._rest = ""

    def _line(self, line: str) -> None:
        self.last.append(line)
        self._each(line)
