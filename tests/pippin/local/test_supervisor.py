"""The supervisor with small test programs as parts."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from pippin.local.parts import Part
from pippin.local.supervisor import Supervisor

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


def exists(pid: int) -> bool:
    """Whether a process runs; a zombie does not count."""
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False


def gone_by(seconds: float, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Run:
    """A supervisor under test: `until` waits for a condition, and `lines` holds the output."""

    def __init__(self, *parts: Part) -> None:
        self.lines: list[str] = []
        self.supervisor = Supervisor(None, lambda _: parts, self.say)

    def say(self, name: str, line: str) -> None:
        self.lines.append(f"{name}: {line}")

    async def until(self, condition: Callable[[], bool], seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.lines
            await asyncio.sleep(0.01)

    def go(self, script: Callable[[], Awaitable[None]]) -> None:
        """Runs the supervisor and the test's script concurrently, then sends SIGTERM."""

        async def announce() -> None:
            await script()
            os.kill(os.getpid(), signal.SIGTERM)

        asyncio.run(self.supervisor.run(announce))


def test_all_parts_end_with_the_supervisor() -> None:
    run = Run(part("a", STOPS_ON_SIGTERM), part("b", STOPS_ON_SIGTERM))
    pids: set[int] = set()

    async def script() -> None:
        await run.until(lambda: {"a: here", "b: here"} <= set(run.lines))
        pids.update(run.supervisor.pids)

    run.go(script)
    assert len(pids) == 2
    assert not any(exists(pid) for pid in pids)


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

    async def script() -> None:
        await run.until(lambda: any("times in a row" in line for line in run.lines))

    run.go(script)
    messages = [line for line in run.lines if line.startswith("pippin")]
    assert messages[:4] == [
        "pippin: a ended (exit code 7); restarting it in 0.2 s",
        "pippin: a ended (exit code 7); restarting it in 0.4 s",
        "pippin: a ended (exit code 7); restarting it in 0.8 s",
        "pippin: a ended 3 times in a row. Its last output:",
    ]
    assert messages[4] == "pippin:   | my last words"


def test_command_that_cannot_be_started_is_reported() -> None:
    run = Run(Part("a", ("/nowhere/at/all",)), part("b", STOPS_ON_SIGTERM))

    async def script() -> None:
        await run.until(lambda: any("cannot be started" in line for line in run.lines))

    run.go(script)
    assert any("/nowhere/at/all cannot be started: No such file" in line for line in run.lines)


def test_part_that_ignores_sigterm_is_killed_after_the_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pippin.local.supervisor._GRACE", 0.2)
    run = Run(part("a", IGNORES_SIGTERM))
    pids: set[int] = set()

    async def script() -> None:
        await run.until(lambda: "a: here" in run.lines)
        pids.update(run.supervisor.pids)

    run.go(script)
    assert "pippin: a did not stop within 0.2 s; killing it" in run.lines
    assert not any(exists(pid) for pid in pids)


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

    async def script() -> None:
        await run.until(lambda: bool(run.lines))

    run.go(script)
    left = int(run.lines[0].removeprefix("a: "))
    gone_by(10, lambda: not exists(left))


def test_output_without_a_line_end_or_with_invalid_text_is_shown() -> None:
    run = Run(part("a", "import sys, time; sys.stdout.buffer.write(b'one\\r\\ntw\\xff'); sys.stdout.flush()"))

    async def script() -> None:
        await run.until(lambda: any("ended" in line for line in run.lines))

    run.go(script)
    assert run.lines[:2] == ["a: one", "a: tw\ufffd"]


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
        assert process.stdout is not None
        pids: set[int] = set()
        while len(pids) < 2:
            pids |= {int(pid) for pid in process.stdout.readline().split()}
        assert all(exists(pid) for pid in pids)
        process.kill()
        process.wait(20)
        gone_by(20, lambda: not any(exists(pid) for pid in pids))
    finally:
        process.kill()
        process.communicate()
