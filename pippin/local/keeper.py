"""Starts a part or the embedded server, restarts it when it ends, and stops it."""

import asyncio
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from pippin.errors import PippinError
from pippin.local.parts import Part, PrintLine
from pippin.local.process import Process, exit_text
from pippin.local.valkey import EmbeddedValkey
from pippin.system.retry import Backoff

# A process that has run longer than this is healthy: its next end is the first in a row.
_HEALTHY_SECONDS = 10.0
# The last output is printed again each time this many ends in a row have occurred.
_OUTPUT_EVERY = 3


class RestartBackoff:
    """The pauses before restarts: they double from 0.2 s to 5 s; a healthy run resets them to 0.2 s."""

    def __init__(self) -> None:
        self._backoff = Backoff(0.2, 5.0, jitter=0)
        self._started = time.monotonic()

    @property
    def ends(self) -> int:
        """How many times in a row the process has ended without a healthy run in between."""
        return self._backoff.failures

    def next(self) -> float:
        """Count an end of the process; return the seconds to wait before the next run."""
        if time.monotonic() - self._started > _HEALTHY_SECONDS:
            self._backoff.reset()
        pause = self._backoff.pause()
        self._started = time.monotonic() + pause
        return pause


class Keeper:
    """Keeps one part running.

    Args:
        part: The part to run.
        print_line: Prints each line of the part's output, and messages about its runs.

    Attributes:
        part: The part.
    """

    def __init__(self, part: Part, print_line: PrintLine) -> None:
        self.part = part
        self._print_line = print_line
        self._process: Process | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int | None:
        """The id of the part's process; None while no process runs."""
        return self._process.pid if self._process and not self._process.exited.is_set() else None

    def start(self) -> asyncio.Task[None]:
        """Start the part, and restart it whenever it ends; the task runs until `stop`."""
        self._task = asyncio.create_task(self._keep(), name=self.part.name)
        return self._task

    def poll(self) -> None:
        """Check whether the part's process has ended; call this on SIGCHLD."""
        if self._process:
            self._process.poll()

    def kill(self) -> None:
        """Kill the part's process."""
        if self._process:
            self._process.kill()

    async def stop(self, grace: float) -> None:
        """Stop the part.

        Args:
            grace: Seconds between SIGTERM and SIGKILL.
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
            self._print_line("pippin", f"{self.part.name} did not stop within {grace:g} s; killing it")
            process.kill()
            await process.exited.wait()

    async def _keep(self) -> None:
        pauses = RestartBackoff()
        while True:
            how, last_lines = await self._run()
            pause = pauses.next()
            self._print_line("pippin", f"{self.part.name} ended ({how}); restarting it in {pause:g} s")
            if pauses.ends % _OUTPUT_EVERY == 0:
                self._print_line("pippin", f"{self.part.name} ended {pauses.ends} times in a row. Its last output:")
                for line in last_lines:
                    self._print_line("pippin", f"  | {line}")
            await asyncio.sleep(pause)

    async def _run(self) -> tuple[str, Iterable[str]]:
        """Run the part once; return how the process ended, and its last lines of output."""
        self._process = Process(self.part, lambda line: self._print_line(self.part.name, line))
        await self._process.exited.wait()
        return self._process.exit_text, self._process.lines.last


class ServerKeeper:
    """Keeps the embedded server running, at one address.

    Args:
        server: The server, not started.
        print_line: Prints messages about its runs.
    """

    name = "valkey"

    def __init__(self, server: EmbeddedValkey, print_line: PrintLine) -> None:
        self._server = server
        self._print_line = print_line
        self._ended = asyncio.Event()
        self._starting: asyncio.Future[str] | None = None
        self._task: asyncio.Task[None] | None = None
        # Two threads, because `stop` may run while `start` still waits. They live as long as this object: Linux ends
        # the server when the thread that started the server ends.
        self._threads = ThreadPoolExecutor(2, thread_name_prefix=self.name)

    @property
    def pid(self) -> int | None:
        """The id of the server's process; None while no process runs."""
        return self._server.pid

    async def begin(self) -> str:
        """Start the server.

        Returns:
            The server's address, with the password.

        Raises:
            HomeError: The folder of the server's data cannot be used.
            EmbeddedValkeyError: The server does not start.
        """
        loop = asyncio.get_running_loop()
        self._ended.clear()
        self._starting = loop.run_in_executor(self._threads, self._server.start)
        url = await asyncio.shield(self._starting)
        self.poll()
        return url

    def start(self) -> asyncio.Task[None]:
        """Restart the server whenever it ends; the task runs until `stop`."""
        self._task = asyncio.create_task(self._keep(), name=self.name)
        return self._task

    def poll(self) -> None:
        """Check whether the server has ended; call this on SIGCHLD."""
        starting = self._starting is not None and not self._starting.done()
        if not starting and self._server.exit_code is not None:
            self._ended.set()

    async def stop(self, grace: float) -> None:
        """Stop the server; its data is kept.

        Args:
            grace: Seconds between SIGTERM and SIGKILL.
        """
        if self._task:
            self._task.cancel()
            await asyncio.wait({self._task})
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._threads, partial(self._server.stop, grace))
        if self._starting and not self._starting.done():
            # A start in progress may have succeeded after the stop.
            await asyncio.wait({self._starting})
            await loop.run_in_executor(self._threads, partial(self._server.stop, grace))
        self._threads.shutdown()

    async def _keep(self) -> None:
        pauses = RestartBackoff()
        while True:
            await self._ended.wait()
            pause = pauses.next()
            how = exit_text(self._server.exit_code)
            self._print_line("pippin", f"{self.name} ended ({how}); restarting it in {pause:g} s")
            await asyncio.sleep(pause)
            try:
                await self.begin()
            except PippinError as error:
                self._print_line("pippin", f"{self.name} does not start: {error}")
                self._ended.set()
