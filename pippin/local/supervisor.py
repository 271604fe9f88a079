"""Runs all parts in the foreground until it is told to stop, and leaves none behind."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pippin.local.keeper import Keeper, Say
from pippin.local.part import Part
from pippin.local.server import ServerKeeper

# Together below the 5 s in which `pippin up` stops: the service and the workers side by side, then what they stand on.
_GRACE = 3.0
_SERVER_GRACE = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Keeps the parts running, and under them the embedded server where there is one.

    Args:
        server: Runs before the parts start and until they have stopped; None if they stand on one elsewhere.
        parts: What to run, made when the server's address (None without one) is known.
        say: Takes every line of every part, and of the supervisor itself.
    """

    def __init__(self, server: ServerKeeper | None, parts: Callable[[str | None], Sequence[Part]], say: Say) -> None:
        self._server = server
        self._parts = parts
        self._say = say
        self._keepers: list[Keeper] = []
        self._asked = asyncio.Event()

    @property
    def pids(self) -> frozenset[int]:
        """The ids of the parts' processes that run."""
        return frozenset(keeper.pid for keeper in self._keepers if keeper.pid)

    async def run(self, announce: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Runs until SIGINT, SIGTERM or SIGHUP; must be called in the main thread.

        Args:
            announce: Waits until all is ready and says so; cancelled when the end comes first.

        Raises:
            PippinError: The embedded server does not start; then nothing has.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._look)
        for each in _SIGNALS:
            loop.add_signal_handler(each, self._ask_to_stop)
        asked = asyncio.ensure_future(self._asked.wait())
        running: set[asyncio.Future[Any]] = {asked, asyncio.ensure_future(self._begin(announce))}
        try:
            while not asked.done():
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {asked}:
                    running |= task.result() or set()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*(keeper.stop(_GRACE) for keeper in self._keepers))
            if self._server:
                await self._server.stop(_SERVER_GRACE)

    async def _begin(self, announce: Callable[[], Coroutine[Any, Any, None]]) -> set[asyncio.Future[Any]]:
        """Starts everything; the tasks that then go on."""
        address = await self._server.begin() if self._server else None
        self._keepers = [Keeper(part, self._say) for part in self._parts(address)]
        tasks: set[asyncio.Future[Any]] = {keeper.start() for keeper in self._keepers}
        if self._server:
            tasks.add(self._server.start())
        return tasks | {asyncio.ensure_future(announce())}

    def _look(self) -> None:
        for keeper in self._keepers:
            keeper.look()
        if self._server:
            self._server.look()

    def _ask_to_stop(self) -> None:
        if not self._asked.is_set():
            self._say("pippin", "stopping")
            self._asked.set()
            return
        self._say("pippin", "asked again: all parts are killed")
        for keeper in self._keepers:
            keeper.kill()
