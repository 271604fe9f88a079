"""Processes that end together with their parent."""

import subprocess
import sys
import textwrap

import pytest

CHILD = """
import os, signal, sys, time
def leave(*_):
    os.write(1, b"asked\\n")  # print may be under way already
    os._exit(0)
signal.signal(signal.SIGTERM, leave)
print(os.getpid(), flush=True)
time.sleep(600)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
@pytest.mark.parametrize(("ended_by", "last_word"), [("SIGTERM", "asked\n"), ("SIGKILL", "")])
def test_process_bound_to_its_parent_gets_the_signal_at_its_death(ended_by: str, last_word: str) -> None:
    parent = textwrap.dedent(f"""
        import signal, subprocess, sys, time
        from pippin.system.processes import dying_with_parent
        subprocess.Popen(dying_with_parent([sys.executable, "-c", {CHILD!r}], signal.{ended_by}))
        time.sleep(600)
    """)
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
        assert process.stdout.read() == last_word  # ends when the child, which shares it, has ended
    assert child > 0


def test_missing_command_is_reported() -> None:
    code = "import subprocess, sys\nfrom pippin.system.processes import dying_with_parent\n"
    code += "sys.exit(subprocess.call(dying_with_parent(['/nowhere/x'])))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "/nowhere/x cannot be started: No such file or directory" in done.stderr


def run(code: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import os, sys\nfrom pippin.system.processes import fork_and_run\n" + code]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("main", "code", "error"),
    [
        ("lambda: 7", 7, ""),
        ("lambda: sys.stdout.write('said') and 0", 0, ""),
        ("lambda: 1 / 0", 1, "ZeroDivisionError"),
        ("lambda: sys.exit(3)", 1, "SystemExit"),
    ],
)
def test_forked_child_exits_with_its_functions_code_and_no_exit_handlers(main: str, code: int, error: str) -> None:
    done = run(f"""
import atexit
atexit.register(lambda: print(" exit handler"))
child = fork_and_run({main})
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), end="")
""")
    said = "said" if "said" in main else ""
    assert done.stdout == f"{said}{code} exit handler\n"
    assert error in done.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a process of its parent's death")
def test_forked_child_is_killed_with_its_parent() -> None:
    parent = """
import os, signal, time
from pippin.system.processes import fork_and_run
def child():
    print(os.getpid(), flush=True)
    time.sleep(600)
    return 0
fork_and_run(child)
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        process.kill()
        assert process.stdout.read() == ""  # ends when the child, which shares it, has ended
