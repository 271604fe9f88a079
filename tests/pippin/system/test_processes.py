"""Started by a process that dies, a bound process dies too."""

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
def test_a_bound_process_gets_its_signal_when_its_parent_is_killed(ended_by: str, last_word: str) -> None:
    parent = textwrap.dedent(f"""
        import signal, subprocess, sys, time
        from pippin.system.processes import bound
        subprocess.Popen(bound([sys.executable, "-c", {CHILD!r}], signal.{ended_by}))
        time.sleep(600)
    """)
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.kill()
        assert process.stdout.read() == last_word  # ends when the child, which shares it, has ended
    assert child > 0


def test_a_command_that_does_not_exist_is_told() -> None:
    code = "import subprocess, sys\nfrom pippin.system.processes import bound\n"
    code += "sys.exit(subprocess.call(bound(['/nowhere/x'])))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "/nowhere/x cannot be started: No such file or directory" in done.stderr
