"""Keeps one part running: starts it, starts it again when it dies, and stops it."""

import asyncio
import time
from collections.abc import Callable, Iterable

from pippin.local.part import Part
from pippin.local.process import Process

_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 5.0
_HEALTHY_AFTER = 10.0  # a part that ran for so many seconds starts with a clean slate when it dies
_TELL_EVERY = 3  # deaths in a row after which its last output is shown again

Say = Callable[[str, str], None]
"""Prints a line: who says it, and what."""


class Pauses:
    """The pauses before a part is started again: from 0.2 s doubling to 5 s, and from 0.2 s again once it ran well.

    Attributes:
        deaths: How often in a row it died without having run well in between.
    """

    def __init__(self) -> None:
        self.deaths = 0
        self._began = time.monotonic()

    def next(self) -> float:
        """Seconds to wait now that it died; it counts as running from the end of that pause."""
        well = time.monotonic() - self._began > _HEALTHY_AFTER
        self.deaths = 1 if well else self.deaths + 1
        pause = min(_FIRST_PAUSE * 2.0 ** (self.deaths - 1), _LONGEST_PAUSE)
        self._began = time.monotonic() + pause
        return pause


class Keeper:
    """Keeps one part running.

    Args:
        part: What to run.
        say: Takes the part's output line by line, and what the keeper has to tell.

    Attributes:
        part: What is run.
    """

    def __init__(self, part: Part, say: Say) -> None:
        self.part = part
        self._say = say
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The id of its process; None while there is none."""
        return self._process.pid if self._process and not self._process.exited.is_set() else None

    def start(self) -> asyncio.Task[None]:
        """Starts it, and from now on again whenever it ends; the task goes on until `stop`."""
        self._task = asyncio.create_task(self._keep(), name=self.part.name)
        return self._task

    def look(self) -> None:
        """Notices the end of its process; to be called when a child has changed its state."""
        if self._process:
            self._process.look()

    def kill(self) -> None:
        """Ends its process at once."""
        if self._process:
            self._process.kill()

    async def stop(self, grace: float) -> None:
        """Ends it for good.

        Args:
            grace: Seconds that it gets to end by itself.
        """
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        process = self._process
        if process is None or process.exited.is_set():
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.exited.wait(), grace)
        except TimeoutError:
            self._say("pippin", f"{self.part.name} did not stop within {grace:g} s and is killed")
            process.kill()
            await process.exited.wait()

    async def _keep(self) -> None:
        pauses = Pauses()
        while True:
            manner, last_lines = await self._run()
            pause = pauses.next()
            self._say("pippin", f"{self.part.name} ended ({manner}); it is started again in {pause:g} s")
            if pauses.deaths % _TELL_EVERY == 0:
                self._say("pippin", f"{self.part.name} keeps dying: {pauses.deaths} times in a row. Its last output:")
                for line in last_lines:
                    self._say("pippin", f"  | {line}")
            await asyncio.sleep(pause)

    async def _run(self) -> tuple[str, Iterable[str]]:
        """One run of the part: how it ended, and its last lines."""
        self._process = Process(self.part, lambda line: self._say(self.part.name, line))
        await self._process.exited.wait()
        return self._process.manner, self._process.lines.last
