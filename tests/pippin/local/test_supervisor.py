"""The supervisor with small parts of the tests' own: each prints what happens to it."""

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

OBEDIENT = "import time; print('here', flush=True); time.sleep(600)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('here', flush=True); time.sleep(600)"
DYING = "import sys; print('my last words', flush=True); sys.exit(7)"
PARENT = (
    "import subprocess, sys, time; child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)']); "
    "print(child.pid, flush=True); time.sleep(600)"
)


def part(name: str, code: str) -> Part:
    return Part(name, (sys.executable, "-c", code))


def exists(pid: int) -> bool:
    """Whether a process lives; one that is only waiting to be reaped does not."""
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
    """A supervisor under test: `until` waits for something that must come true, and the lines are kept."""

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
        """Runs the supervisor and, beside it, the test's script; then asks it to stop."""

        async def announce() -> None:
            await script()
            os.kill(os.getpid(), signal.SIGTERM)

        asyncio.run(self.supervisor.run(announce))


def test_all_are_gone_in_the_end() -> None:
    run = Run(part("a", OBEDIENT), part("b", OBEDIENT))
    pids: set[int] = set()

    async def script() -> None:
        await run.until(lambda: {"a: here", "b: here"} <= set(run.lines))
        pids.update(run.supervisor.pids)

    run.go(script)
    assert len(pids) == 2
    assert not any(exists(pid) for pid in pids)


def test_a_part_that_is_killed_is_started_again() -> None:
    run = Run(part("a", OBEDIENT))

    async def script() -> None:
        await run.until(lambda: run.lines.count("a: here") == 1)
        for pid in run.supervisor.pids:
            os.kill(pid, signal.SIGKILL)
        await run.until(lambda: run.lines.count("a: here") == 2)

    run.go(script)
    assert "pippin: a ended (killed by SIGKILL); it is started again in 0.2 s" in run.lines


def test_a_part_that_keeps_dying_is_told_of_with_its_last_words_and_ever_longer_pauses() -> None:
    run = Run(part("a", DYING))

    async def script() -> None:
        await run.until(lambda: any("times in a row" in line for line in run.lines))

    run.go(script)
    told = [line for line in run.lines if line.startswith("pippin")]
    assert told[:4] == [
        "pippin: a ended (exit code 7); it is started again in 0.2 s",
        "pippin: a ended (exit code 7); it is started again in 0.4 s",
        "pippin: a ended (exit code 7); it is started again in 0.8 s",
        "pippin: a ended 3 times in a row. Its last output:",
    ]
    assert told[4] == "pippin:   | my last words"


def test_a_command_that_cannot_be_started_is_told_of() -> None:
    run = Run(Part("a", ("/nowhere/at/all",)), part("b", OBEDIENT))

    async def script() -> None:
        await run.until(lambda: any("cannot be started" in line for line in run.lines))

    run.go(script)
    assert any("/nowhere/at/all cannot be started: No such file" in line for line in run.lines)


def test_what_does_not_listen_to_being_asked_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pippin.local.supervisor._GRACE", 0.2)
    run = Run(part("a", DEAF))
    pids: set[int] = set()

    async def script() -> None:
        await run.until(lambda: "a: here" in run.lines)
        pids.update(run.supervisor.pids)

    run.go(script)
    assert "pippin: a did not stop within 0.2 s and is killed" in run.lines
    assert not any(exists(pid) for pid in pids)


def test_asking_a_second_time_waits_for_nobody() -> None:
    run = Run(part("a", DEAF))

    async def script() -> None:
        await run.until(lambda: "a: here" in run.lines)
        asyncio.get_running_loop().call_later(0.05, os.kill, os.getpid(), signal.SIGINT)

    run.go(script)
    assert "pippin: asked again: all parts are killed" in run.lines
    assert "pippin: a did not stop within 3 s and is killed" not in run.lines


def test_what_a_part_leaves_in_its_group_goes_with_it() -> None:
    run = Run(part("a", PARENT))

    async def script() -> None:
        await run.until(lambda: bool(run.lines))

    run.go(script)
    left = int(run.lines[0].removeprefix("a: "))
    gone_by(10, lambda: not exists(left))


def test_output_without_a_line_end_and_with_broken_text_is_shown_too() -> None:
    run = Run(part("a", "import sys, time; sys.stdout.buffer.write(b'one\\r\\ntw\\xff'); sys.stdout.flush()"))

    async def script() -> None:
        await run.until(lambda: any("ended" in line for line in run.lines))

    run.go(script)
    assert run.lines[:2] == ["a: one", "a: tw\ufffd"]


def test_nothing_outlives_a_supervisor_that_is_killed(tmp_path: Path) -> None:
    code = textwrap.dedent(f"""
        import asyncio, sys
        from pippin.local.parts import Part
        from pippin.local.supervisor import Supervisor

        async def announce():
            pass

        parts = [Part(name, (sys.executable, "-c", {DEAF!r})) for name in "ab"]
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
