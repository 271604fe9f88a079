"""The sandbox with a real fork server, and tasks that misbehave like the reader of a malicious file."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from pippin.errors import Fault
from service.sandbox import Answer, Sandbox, SandboxError, TaskRefused
from tests.support.waiting import wait_for

_TASKS = '''
import ctypes, os, signal, sys, time
from pathlib import Path
from pippin.errors import Fault, FaultyDocumentError, PippinError
from service.sandbox import Answer

def echo(**arguments):
    return arguments

def attach(byte, size):
    return Answer({"size": size}, bytes([byte]) * size)

def inspect():
    numbers = [int(name) for name in os.listdir("/proc/self/fd")]
    status = Path("/proc/self/status").read_text()
    return {
        "pid": os.getpid(),
        "parent": os.getppid(),
        "environment": dict(os.environ),
        "files": [number for number in numbers if Path(f"/proc/self/fd/{number}").exists()],
        "threads": int(status.partition("Threads:")[2].split()[0]),
    }

def note_and_sleep(path):
    Path(path + ".new").write_text(str(os.getpid()))
    os.rename(path + ".new", path)
    time.sleep(300)

def sleep_once(path):
    return "second call" if os.path.exists(path) else note_and_sleep(path)

def loop():
    while True:
        pass

def loop_without_alarm():
    signal.setitimer(signal.ITIMER_REAL, 0)
    loop()

def sleep_without_alarm():
    signal.setitimer(signal.ITIMER_REAL, 0)
    time.sleep(300)

def allocate_blocks():
    kept = []
    while True:
        kept.append(bytearray(2**20))

def allocate_objects():
    kept = []
    while True:
        kept = [kept, []]

def refuse_document():
    faults = [Fault("/layers/0", "found 3; needs 4", "updatable.path"), Fault("", "caf\\u00e9 \\ud800")]
    raise FaultyDocumentError("spec", faults)

class OddError(PippinError):
    """Raised by a reader."""

def refuse_file():
    raise OddError("found a file; needs a model")

def divide():
    raise ZeroDivisionError("secret")

segfault = lambda: ctypes.string_at(0)
exit_at_once = lambda: os._exit(0)
exit_with_sys = lambda: sys.exit(0)
loop_in_c = lambda: sum(range(10 ** 14))
allocate_at_once = lambda: len(bytes(2**45))
allocate = lambda size: len(bytes(b"x" * size))
return_a_set = lambda: {1, 2}
print_a_line = lambda: print("on stdout")
'''
_NAMES = re.findall(r"^(?:def )?(\w+)(?: = lambda|\()", _TASKS, re.MULTILINE)
_TABLE = {name: f"sandboxed:{name}" for name in _NAMES}

# Prints the process id of the sandbox's fork server and runs a task that sleeps.
_SERVICE = """
import sys
from service.sandbox import Sandbox
path, folder = sys.argv[1:]
sandbox = Sandbox({"note_and_sleep": "sandboxed:note_and_sleep"}, paths=[folder])
sandbox.start()
print(sandbox.fork_server_pid, flush=True)
sandbox.run("note_and_sleep", {"path": path}, seconds=60)
"""

MakeSandbox = Callable[..., Sandbox]

_linux = pytest.mark.skipif(sys.platform != "linux", reason="what is shown here is Linux's")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the tasks' module."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "sandboxed.py").write_text(_TASKS)
    return folder


@pytest.fixture
def make_sandbox(folder: Path) -> Iterator[MakeSandbox]:
    """Creates sandboxes."""
    usual: dict[str, Any] = {"tasks": _TABLE, "paths": [str(folder)]}
    with ExitStack() as stack:
        yield lambda **changes: stack.enter_context(closing(Sandbox(**usual | changes)))


@pytest.fixture(scope="module")
def sandbox(folder: Path) -> Iterator[Sandbox]:
    """A sandbox that is shared by tests that do not damage it."""
    with closing(Sandbox(_TABLE, paths=[str(folder)])) as shared:
        yield shared


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as executor:
        yield executor


@pytest.fixture
def pid_file(tmp_path: Path) -> Path:
    """Where a sleeping task writes its process id."""
    return tmp_path / "pid"


def _run(sandbox: Sandbox, task: str, /, **arguments: object) -> Any:  # noqa: ANN401 (any JSON value)
    return sandbox.run(task, arguments, seconds=20).document


def _why(sandbox: Sandbox, task: str, arguments: dict[str, object] | None = None, **limits: Any) -> str:  # noqa: ANN401
    with pytest.raises(SandboxError) as caught:
        sandbox.run(task, arguments or {}, **{"seconds": 20} | limits)
    return caught.value.why


def _server_pid(sandbox: Sandbox) -> int:
    assert sandbox.fork_server_pid is not None
    return sandbox.fork_server_pid


def _live_processes(group: int) -> list[str]:
    """The states of the live processes in a group; zombies that are not reaped yet are left out."""
    listed = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], stdout=subprocess.PIPE, text=True, check=True).stdout
    processes = [line.split() for line in listed.splitlines()]
    return [state for pgid, state in processes if int(pgid) == group and not state.startswith("Z")]


def test_task_returns_a_document_and_an_attachment(sandbox: Sandbox) -> None:
    arguments = {"text": "caf\u00e9 \ud800", "numbers": [1, 2.5, None, True]}
    assert sandbox.run("echo", arguments, seconds=20) == Answer(arguments)
    assert sandbox.run("attach", {"byte": 7, "size": 10**7}, seconds=20) == Answer({"size": 10**7}, b"\x07" * 10**7)


def test_large_arguments_are_passed(sandbox: Sandbox) -> None:
    assert _run(sandbox, "echo", text="x" * 3_000_000) == {"text": "x" * 3_000_000}


def test_concurrent_tasks_get_their_own_answers(sandbox: Sandbox, threads: ThreadPoolExecutor) -> None:
    def attach(number: int) -> Answer:
        return sandbox.run("attach", {"byte": number, "size": number * 1000}, seconds=20)

    numbers = range(64)
    assert list(threads.map(attach, numbers)) == [Answer({"size": n * 1000}, bytes([n]) * n * 1000) for n in numbers]


@_linux
def test_child_inherits_no_environment_files_or_threads(
    make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIPPIN_REDIS_URL", "redis://:password@host")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "key")
    sandbox = make_sandbox()
    seen = _run(sandbox, "inspect")
    assert seen["parent"] == _server_pid(sandbox)
    assert not {"PIPPIN_REDIS_URL", "AWS_SECRET_ACCESS_KEY"} & set(seen["environment"])
    assert len(seen["files"]) == 4, "the standard ones and its connection"
    assert seen["threads"] == 1
    assert _run(sandbox, "inspect")["pid"] != seen["pid"]


@pytest.mark.parametrize(
    "task", ["segfault", "exit_at_once", "exit_with_sys", "divide", "return_a_set", "no_such_task"]
)
def test_crash_is_reported_and_the_next_task_works(sandbox: Sandbox, task: str) -> None:
    assert _run(sandbox, "echo") == {}
    server = _server_pid(sandbox)
    assert _why(sandbox, task) == "crashed"
    assert _run(sandbox, "echo", a=1) == {"a": 1}
    assert _server_pid(sandbox) == server


def test_traceback_is_only_in_the_log(make_sandbox: MakeSandbox, capfd: pytest.CaptureFixture[str]) -> None:
    sandbox = make_sandbox()
    assert _run(sandbox, "print_a_line") is None
    with pytest.raises(SandboxError, match=r"^divide crashed \(ZeroDivisionError\)$"):
        _run(sandbox, "divide")
    with pytest.raises(SandboxError, match=r"^segfault crashed$"):
        _run(sandbox, "segfault")
    out, err = capfd.readouterr()
    assert out == ""
    assert "ZeroDivisionError: secret" in err
    assert "Segmentation fault" in err


@pytest.mark.parametrize("task", ["loop", "loop_in_c"])
def test_an_endless_task_is_too_slow(sandbox: Sandbox, task: str) -> None:
    assert _run(sandbox, "echo") == {}
    assert _why(sandbox, task, seconds=0.1) == "too_slow"
    assert _run(sandbox, "echo") == {}


@pytest.mark.full
def test_task_without_its_alarm_is_ended_by_the_cpu_limit(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine, two seconds of computing take their time.
    monkeypatch.setattr("service.sandbox.sandbox._MARGIN_SECONDS", 60)
    assert _run(sandbox, "echo") == {}
    server = _server_pid(sandbox)
    assert _why(sandbox, "loop_without_alarm", seconds=0.5) == "too_slow"
    assert _server_pid(sandbox) == server


def test_unstoppable_child_ends_with_the_fork_server_and_others_restart(
    make_sandbox: MakeSandbox, threads: ThreadPoolExecutor, pid_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.sandbox.sandbox._MARGIN_SECONDS", 0.2)
    sandbox = make_sandbox()
    neighbour = threads.submit(_run, sandbox, "sleep_once", path=str(pid_file))
    wait_for(pid_file.exists)
    server = _server_pid(sandbox)
    assert _why(sandbox, "sleep_without_alarm", seconds=0.1) == "too_slow"
    assert neighbour.result() == "second call"
    assert _server_pid(sandbox) != server
    assert _live_processes(server) == []


@_linux
@pytest.mark.parametrize("task", ["allocate_blocks", "allocate_objects", "allocate_at_once"])
def test_a_task_that_allocates_without_end_is_too_large(sandbox: Sandbox, task: str) -> None:
    assert _why(sandbox, task, memory_bytes=2**26) == "too_large"
    assert _run(sandbox, "echo") == {}


@_linux
def test_memory_limit_counts_the_tasks_own_allocations(sandbox: Sandbox) -> None:
    size = 20 * 2**20
    assert sandbox.run("allocate", {"size": size}, seconds=20, memory_bytes=size + 2**22).document == size
    assert _why(sandbox, "allocate", {"size": size}, memory_bytes=size - 2**22) == "too_large"


def test_an_answer_beyond_the_limit_is_too_large(make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox(max_answer_bytes=1000)
    assert _why(sandbox, "attach", {"byte": 1, "size": 1000}) == "too_large"
    assert len(sandbox.run("attach", {"byte": 1, "size": 900}, seconds=20).attachment) == 900


def test_document_error_of_a_task_is_raised_with_its_faults(sandbox: Sandbox) -> None:
    with pytest.raises(TaskRefused) as caught:
        _run(sandbox, "refuse_document")
    faults = (Fault("/layers/0", "found 3; needs 4", "updatable.path"), Fault("", "caf\u00e9 \ud800"))
    assert (caught.value.kind, caught.value.faults) == ("FaultyDocumentError", faults)
    assert str(caught.value) == "spec: /layers/0: found 3; needs 4; (root): caf\u00e9 \ud800"


def test_pippin_error_of_a_task_is_raised_with_its_message(sandbox: Sandbox) -> None:
    with pytest.raises(TaskRefused, match=r"^found a file; needs a model$") as caught:
        _run(sandbox, "refuse_file")
    assert (caught.value.kind, caught.value.faults) == ("OddError", ())


def test_a_killed_fork_server_is_replaced(make_sandbox: MakeSandbox) -> None:
    sandbox = make_sandbox()
    assert _run(sandbox, "echo") == {}
    server = _server_pid(sandbox)
    os.kill(server, signal.SIGKILL)
    assert _run(sandbox, "echo") == {}
    assert _server_pid(sandbox) != server


@_linux
def test_task_is_restarted_when_its_fork_server_is_killed(
    make_sandbox: MakeSandbox, threads: ThreadPoolExecutor, pid_file: Path
) -> None:
    sandbox = make_sandbox()
    answer = threads.submit(_run, sandbox, "sleep_once", path=str(pid_file))
    wait_for(pid_file.exists)
    os.kill(_server_pid(sandbox), signal.SIGKILL)
    assert answer.result() == "second call"


def test_unresponsive_fork_server_is_replaced(make_sandbox: MakeSandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = make_sandbox()
    assert _run(sandbox, "echo") == {}
    os.kill(_server_pid(sandbox), signal.SIGSTOP)
    with monkeypatch.context() as patch:
        patch.setattr("service.sandbox.sandbox._BEGIN_SECONDS", 0.1)
        assert _why(sandbox, "echo") == "unavailable"
    assert _run(sandbox, "echo") == {}


def test_fork_server_that_cannot_start_is_unavailable(make_sandbox: MakeSandbox) -> None:
    assert _why(make_sandbox(tasks={"echo": "no_such_module:echo"}), "echo") == "unavailable"


def test_task_without_a_free_place_in_time_is_unavailable(
    make_sandbox: MakeSandbox, threads: ThreadPoolExecutor, pid_file: Path
) -> None:
    sandbox = make_sandbox(children=1, wait_seconds=0.05)
    sleeper = threads.submit(_why, sandbox, "note_and_sleep", {"path": str(pid_file)})
    wait_for(pid_file.exists)
    assert _why(sandbox, "echo") == "unavailable"
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    assert sleeper.result() == "crashed"
    assert _run(sandbox, "echo") == {}


def test_no_process_is_left_when_the_sandbox_is_closed(
    make_sandbox: MakeSandbox, threads: ThreadPoolExecutor, pid_file: Path
) -> None:
    sandbox = make_sandbox()
    sleeper = threads.submit(_why, sandbox, "note_and_sleep", {"path": str(pid_file)})
    wait_for(pid_file.exists)
    group = _server_pid(sandbox)
    assert len(_live_processes(group)) == 2
    sandbox.close()
    wait_for(lambda: not _live_processes(group))
    assert sleeper.result() == "unavailable"
    assert _why(sandbox, "echo") == "unavailable"


def test_no_process_is_left_when_the_service_is_killed(folder: Path, pid_file: Path) -> None:
    command = [sys.executable, "-P", "-c", _SERVICE, str(pid_file), str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
        assert service.stdout is not None
        group = int(service.stdout.readline())
        wait_for(pid_file.exists)
        assert len(_live_processes(group)) == 2
        service.kill()
    wait_for(lambda: not _live_processes(group))
