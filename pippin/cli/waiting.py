"""What a queued or paused job lacks, told while a person watches: no event says it, so the service is asked."""

import threading
from collections.abc import Callable
from typing import Self

from pippin.errors import PippinError

_ASK_SECONDS = 2.0


class Waiting:
    """A thread that asks while the job waits, for the time of the `with` block.

    Each sentence is told once, and again when it has changed meanwhile.

    Args:
        ask: What the job lacks, if anything.
        tell: Shows it to the person.
        seconds: How long to wait between two questions.
    """

    def __init__(
        self, ask: Callable[[], str | None], tell: Callable[[str], None], *, seconds: float = _ASK_SECONDS
    ) -> None:
        self._ask = ask
        self._tell = tell
        self._seconds = seconds
        self._waiting = threading.Event()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, name="waiting", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._waiting.set()
        # Not for ever: it may wait for an answer of a service that is away.
        self._thread.join(1)

    def waits(self, is_waiting: bool) -> None:
        """Whether the job waits now: for a worker, or for somebody to resume it."""
        if is_waiting:
            self._waiting.set()
        else:
            self._waiting.clear()

    def _ask_on(self) -> None:
        told: str | None = None
        while self._waiting.wait() and not self._over.is_set():
            try:
                lacking = self._ask()
            except PippinError:
                pass  # the stream of events, which is read meanwhile, tells of a service that is away
            else:
                if lacking and lacking != told and self._waiting.is_set() and not self._over.is_set():
                    self._tell(lacking)
                told = lacking
            self._over.wait(self._seconds)
