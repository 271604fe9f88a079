"""Runs all parts in the foreground until a signal arrives; then stops every process."""

import asyncio
import signal
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from pippin.local.keeper import Keeper, ServerKeeper
from pippin.local.parts import Part, PrintLine

# In seconds. Their sum is below the 5 s within which `pippin up` must stop: the service and the workers stop together,
# then the server.
_GRACE = 3.0
_SERVER_GRACE = 1.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Supervisor:
    """Keeps the parts and, if there is one, the embedded server running.

    Args:
        server: Starts before the parts and stops after them; None if the parts use another server.
        parts: Returns the parts to run; its argument is the server's address, or None without an embedded server.
        print_line: Prints every line of every part, and the supervisor's own messages.
    """

    def __init__(
        self, server: ServerKeeper | None, parts: Callable[[str | None], Sequence[Part]], print_line: PrintLine
    ) -> None:
        self._server = server
        self._parts = parts
        self._print_line = print_line
        self._keepers: list[Keeper] = []
        self._stop_requested = asyncio.Event()

    @property
    def pids(self) -> frozenset[int]:
        """The ids of the parts' running processes."""
        return frozenset(keeper.pid for keeper in self._keepers if keeper.pid)

    async def run(self, announce: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Run until SIGINT, SIGTERM or SIGHUP; must be called in the main thread.

        Args:
            announce: Waits until all parts are ready, then prints a message; cancelled if a signal arrives before that.

        Raises:
            PippinError: The embedded server does not start; no part was started.
        """
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGCHLD, self._poll)
        for signal_number in _SIGNALS:
            loop.add_signal_handler(signal_number, self._request_stop)
        stop = asyncio.ensure_future(self._stop_requested.wait())
        running: set[asyncio.Future[Any]] = {stop, asyncio.ensure_future(self._begin(announce))}
        try:
            while not stop.done():
                done, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                for task in done - {stop}:
                    running |= task.result() or set()
        finally:
            for task in running:
                task.cancel()
            await asyncio.gather(*(keeper.stop(_GRACE) for keeper in self._keepers))
            if self._server:
                await self._server.stop(_SERVER_GRACE)

    async def _begin(self, announce: Callable[[], Coroutine[Any, Any, None]]) -> set[asyncio.Future[Any]]:
        """Start the server and the parts; return the tasks that keep them running."""
        address = await self._server.begin() if self._server else None
        self._keepers = [Keeper(part, self._print_line) for part in self._parts(address)]
        tasks: set[asyncio.Future[Any]] = {keeper.start() for keeper in self._keepers}
        if self._server:
            tasks.add(self._server.start())
        return tasks | {asyncio.ensure_future(announce())}

    def _poll(self) -> None:
        for keeper in self._keepers:
            keeper.poll()
        if self._server:
            self._server.poll()

    def _request_stop(self) -> None:
        if not self._stop_requested.is_set():
            self._print_line("pippin", "stopping")
            self._stop_requested.set()
            return
        self._print_line("pippin", "second signal: killing all parts")
        for keeper in self._keepers:
            keeper.kill()
