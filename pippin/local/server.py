"""Keeps the embedded server running, as a keeper does with a part."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pippin.errors import PippinError
from pippin.local.keeper import Pauses, Say
from pippin.local.process import manner
from pippin.local.valkey import EmbeddedValkey


class ServerKeeper:
    """Keeps the embedded server running, at one address.

    Args:
        server: The server, not started.
        say: Takes what there is to tell.
    """

    name = "valkey"

    def __init__(self, server: EmbeddedValkey, say: Say) -> None:
        self._server = server
        self._say = say
        self._ended = asyncio.Event()
        self._starting: asyncio.Future[str] | None = None
        self._task: asyncio.Task[None] | None = None
        # Its start and its stop wait, the one for the other's process. These threads live as long as this object: Linux
        # would end the server with the thread that started it.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix=self.name)

    @property
    def pid(self) -> int | None:
        """The id of its process; None while there is none."""
        return self._server.pid

    async def begin(self) -> str:
        """Starts it.

        Returns:
            Its address, with the password.

        Raises:
            HomeError: The folder of its data cannot be used.
            EmbeddedValkeyError: It does not start.
        """
        loop = asyncio.get_running_loop()
        self._ended.clear()
        self._starting = loop.run_in_executor(self._threads, self._server.start)
        url = await asyncio.shield(self._starting)
        self.look()
        return url

    def start(self) -> asyncio.Task[None]:
        """From now on starts it again whenever it ends."""
        self._task = asyncio.create_task(self._keep(), name=self.name)
        return self._task

    def look(self) -> None:
        """Notices its end; to be called when a child has changed its state."""
        starting = self._starting is not None and not self._starting.done()
        if not starting and self._server.exit_code is not None:
            self._ended.set()

    async def stop(self, grace: float) -> None:
        """Ends it for good; its data stays.

        Args:
            grace: Seconds that it gets to end by itself.
        """
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, partial(self._server.stop, grace))
        if self._starting and not self._starting.done():
            # It was just starting, and may have come up after it was told to stop.
            await asyncio.wait({self._starting})
            await loop.run_in_executor(self._threads, partial(self._server.stop, grace))
        self._threads.shutdown()

    async def _keep(self) -> None:
        pauses = Pauses()
        while True:
            await self._ended.wait()
            pause = pauses.next()
            how = manner(self._server.exit_code)
            self._say("pippin", f"{self.name} ended ({how}); it is started again in {pause:g} s")
            await asyncio.sleep(pause)
            try:
                await self.begin()
            except PippinError as error:
                self._say("pippin", f"{self.name} does not start: {error}")
                self._ended.set()
