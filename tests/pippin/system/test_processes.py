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


def run(code: str) -> subprocess.CompletedProcess[str]:
    imports = "import os, subprocess, sys\nfrom pippin.system.processes import dying_with_parent, fork_and_run\n"
    return subprocess.run([sys.executable, "-c", imports + code], capture_output=True, text=True, check=False)


def test_missing_command_is_reported() -> None:
    done = run("sys.exit(subprocess.call(dying_with_parent(['/nowhere/x'])))")
    assert done.returncode == 1
    assert "/nowhere/x cannot be started: No such file or directory" in done.stderr


def test_forked_child_exits_with_its_functions_code_and_no_exit_handlers() -> None:
    done = run("""
import atexit
atexit.register(lambda: print("exit handler"))
for main in (lambda: 7, lambda: print("said", flush=True) or 0, lambda: 1 / 0, lambda: sys.exit(3)):
    child = fork_and_run(main)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
""")
    assert done.stdout.splitlines() == ["7", "said", "0", "1", "1", "exit handler"]
    assert "ZeroDivisionError" in done.stderr
    assert "SystemExit" in done.stderr


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
