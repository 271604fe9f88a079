"""The supervisor with small test programs as parts."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pippin.local.parts import Part
from pippin.local.supervisor import Supervisor
from tests.support.processes import is_running, stdout_of
from tests.support.waiting import wait_for, wait_for_async

STOPS_ON_SIGTERM = "import time; print('here', flush=True); time.sleep(600)"
IGNORES_SIGTERM = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
)
EXITS_WITH_7 = "import sys; print('my last words', flush=True); sys.exit(7)"
PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print(child.pid, flush=True); time.sleep(600)"
)


def part(name: str, code: str) -> Part:
    return Part(name, (sys.executable, "-c", code))


class Run:
    """A supervisor under test.

    Attributes:
        lines: Its output.
        pids: The processes of its parts when the test's script had ended.
    """

    def __init__(self, *parts: Part) -> None:
        self.lines: list[str] = []
        self.pids: set[int] = set()
        self.supervisor = Supervisor(None, lambda _: parts, lambda name, line: self.lines.append(f"{name}: {line}"))

    async def until(self, condition: Callable[[], bool]) -> None:
        await wait_for_async(condition, self.lines)

    def go(self, script: Callable[[], Awaitable[None]]) -> None:
        """Runs the supervisor and the test's script concurrently, then sends SIGTERM."""

        async def announce() -> None:
            await script()
            self.pids.update(self.supervisor.pids)
            os.kill(os.getpid(), signal.SIGTERM)

        asyncio.run(self.supervisor.run(announce))

    def go_until(self, *texts: str) -> None:
        """`go` until each text is in the output."""
        self.go(lambda: self.until(lambda: all(any(text in line for line in self.lines) for text in texts)))

    def are_gone(self) -> bool:
        """Whether no process of the parts runs."""
        return not any(is_running(pid) for pid in self.pids)


def test_all_parts_end_with_the_supervisor() -> None:
    run = Run(part("a", STOPS_ON_SIGTERM), part("b", STOPS_ON_SIGTERM))
    run.go_until("a: here", "b: here")
    assert len(run.pids) == 2
    assert run.are_gone()


def test_killed_part_is_restarted() -> None:
    run = Run(part("a", STOPS_ON_SIGTERM))

    async def script() -> None:
        await run.until(lambda: run.lines.count("a: here") == 1)
        for pid in run.supervisor.pids:
            os.kill(pid, signal.SIGKILL)
        await run.until(lambda: run.lines.count("a: here") == 2)

    run.go(script)
    assert "pippin: a ended (killed by SIGKILL); restarting it in 0.2 s" in run.lines


def test_repeatedly_failing_part_is_reported_with_output_and_backoff() -> None:
    run = Run(part("a", EXITS_WITH_7))
    run.go_until("times in a row")
    messages = [line for line in run.lines if line.startswith("pippin")]
    assert messages[:5] == [
        "pippin: a ended (exit code 7); restarting it in 0.2 s",
        "pippin: a ended (exit code 7); restarting it in 0.4 s",
        "pippin: a ended (exit code 7); restarting it in 0.8 s",
        "pippin: a ended 3 times in a row. Its last output:",
        "pippin:   | my last words",
    ]


def test_command_that_cannot_be_started_is_reported() -> None:
    run = Run(Part("a", ("/nowhere/at/all",)), part("b", STOPS_ON_SIGTERM))
    run.go_until("/nowhere/at/all cannot be started: No such file")


def test_part_that_ignores_sigterm_is_killed_after_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pippin.local.supervisor._GRACE", 0.2)
    run = Run(part("a", IGNORES_SIGTERM))
    run.go_until("a: here")
    assert "pippin: a did not stop within 0.2 s; killing it" in run.lines
    assert run.are_gone()


def test_second_signal_kills_all_parts_at_once() -> None:
    run = Run(part("a", IGNORES_SIGTERM))

    async def script() -> None:
        await run.until(lambda: "a: here" in run.lines)
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)

    run.go(script)
    assert "pippin: second signal: killing all parts" in run.lines
    assert "pippin: a did not stop within 3 s; killing it" not in run.lines


def test_process_group_of_a_part_ends_with_the_part() -> None:
    run = Run(part("a", PARENT))
    run.go_until("a: ")
    child = int(run.lines[0].removeprefix("a: "))
    wait_for(lambda: not is_running(child))


def test_output_without_a_line_end_or_with_invalid_text_is_shown() -> None:
    run = Run(part("a", "import sys, time; sys.stdout.buffer.write(b'one\\r\\ntw\\xff'); sys.stdout.flush()"))
    run.go_until("ended")
    assert run.lines[:2] == ["a: one", "a: tw\ufffd"]


@pytest.mark.full
def test_all_parts_end_with_a_killed_supervisor(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import asyncio, sys
        from pippin.local.parts import Part
        from pippin.local.supervisor import Supervisor

        async def announce():
            pass

        parts = [Part(name, (sys.executable, "-c", {IGNORES_SIGTERM!r})) for name in "ab"]
        supervisor = Supervisor(None, lambda _: parts, lambda name, line: print(*supervisor.pids, flush=True))
        asyncio.run(supervisor.run(announce))
    """)
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path)
    try:
        pids: set[int] = set()
        while len(pids) < 2:
            pids |= {int(pid) for pid in stdout_of(process).readline().split()}
        assert all(is_running(pid) for pid in pids)
        process.kill()
        process.wait(20)
        wait_for(lambda: not any(is_running(pid) for pid in pids))
    finally:
        process.kill()
        process.communicate()
