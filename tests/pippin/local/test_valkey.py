import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from pippin.local.home import HomeError, prepare_home
from pippin.local.valkey import EmbeddedValkey, EmbeddedValkeyError
from tests.support.processes import is_running, stdout_of
from tests.support.waiting import wait_for

SUPERVISOR = """
import pathlib, signal, sys
import redis
from pippin.local.valkey import EmbeddedValkey

server = EmbeddedValkey(pathlib.Path(sys.argv[1]))
redis.Redis.from_url(server.start()).set("kept", "yes")
print(server.pid, flush=True)
signal.pause()
"""
MEMORY = 64 * 2**20


def client_of(server: EmbeddedValkey) -> redis.Redis:
    return redis.Redis.from_url(server.url, decode_responses=True)


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("valkey") / "home"


@pytest.fixture(scope="module")
def running(home: Path) -> Iterator[EmbeddedValkey]:
    """A server for the tests that do not stop it."""
    with EmbeddedValkey(home, max_memory_bytes=MEMORY) as server:
        yield server


def test_wrong_password_is_refused(running: EmbeddedValkey) -> None:
    with client_of(running) as client:
        assert client.ping()
    password = running.url.split(":")[2].split("@")[0]
    with (
        redis.Redis.from_url(running.url.replace(password, "guess")) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


def test_files_are_private_and_the_password_is_in_no_command_line(running: EmbeddedValkey, home: Path) -> None:
    password = (home / "valkey" / "password").read_text().strip()
    assert (mode_of(home), mode_of(home / "valkey" / "password")) == (0o700, 0o600)
    assert password in running.url
    command = subprocess.check_output(["ps", "-ww", "-o", "args=", "-p", str(running.pid)], text=True)
    assert "valkey-server" in command
    assert password not in command
    assert password not in repr(running)


def test_workers_have_a_separate_user_with_another_password(running: EmbeddedValkey, home: Path) -> None:
    assert mode_of(home / "valkey" / "worker-password") == 0o600
    assert (home / "valkey" / "password").read_text().strip() not in running.worker_url
    with redis.Redis.from_url(running.worker_url) as worker:
        assert worker.zadd("pippin:leases", {"default/x": 1}) == 1
        with pytest.raises(redis.exceptions.NoPermissionError):
            worker.hgetall("pippin:tokens")


def test_server_is_configured_to_lose_no_write(running: EmbeddedValkey) -> None:
    expected = {
        "appendonly": "yes",
        "appendfsync": "always",
        "maxmemory": str(MEMORY),
        "maxmemory-policy": "noeviction",
        "bind": "127.0.0.1",
    }
    with client_of(running) as client:
        assert client.config_get(*expected) == expected


def test_every_acknowledged_write_survives_kill_9(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    server.start()
    with client_of(server) as client:
        for number in range(100):
            client.rpush("written", number)
    os.kill(server.pid or 0, signal.SIGKILL)
    wait_for(lambda: server.exit_code == -signal.SIGKILL)
    assert server.pid is None
    before = server.url
    with server, client_of(server) as client:
        assert server.url == before
        assert client.lrange("written", 0, -1) == [str(number) for number in range(100)]


def test_data_survives_a_stop_and_another_start(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, client_of(server) as client:
        client.set("kept", "yes")
    with EmbeddedValkey(tmp_path) as server, client_of(server) as client:
        assert client.get("kept") == "yes"


def test_second_supervisor_is_refused_with_the_owners_pid(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path), pytest.raises(HomeError, match=f"in use by the process {os.getpid()}"):
        EmbeddedValkey(tmp_path).start()
    with EmbeddedValkey(tmp_path):
        pass


def test_stop_leaves_no_process_and_may_be_called_again(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    server.start()
    pid = server.pid or 0
    assert is_running(pid)
    server.stop()
    server.stop()
    assert not is_running(pid)
    assert server.pid is None


def test_another_port_is_used_when_the_former_one_is_taken(tmp_path: Path) -> None:
    server = EmbeddedValkey(tmp_path)
    server.start()
    taken = server.url
    server.stop()
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("127.0.0.1", int(taken.rpartition(":")[2].partition("/")[0])))
        other.listen()
        with server, client_of(server) as client:
            assert server.url != taken
            assert client.ping()


def test_failed_start_shows_the_end_of_the_log(tmp_path: Path) -> None:
    with EmbeddedValkey(tmp_path) as server, client_of(server) as client:
        client.set("key", "value")
    manifest = next((tmp_path / "valkey" / "appendonlydir").glob("*.manifest"))
    manifest.write_text("this is no manifest\n")
    server = EmbeddedValkey(tmp_path)
    with pytest.raises(EmbeddedValkeyError, match=r"ended at startup(.|\n)*AOF manifest"):
        server.start()
    assert server.pid is None


@pytest.mark.full
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
def test_server_ends_with_its_supervisor_and_the_next_one_has_the_data(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", SUPERVISOR, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as supervisor:
        pid = int(stdout_of(supervisor).readline())
        supervisor.kill()
    with EmbeddedValkey(tmp_path) as server, client_of(server) as client:
        assert client.get("kept") == "yes"
        assert not is_running(pid)


def test_server_that_outlived_its_supervisor_is_ended_at_the_next_start(tmp_path: Path) -> None:
    # As on macOS after kill -9 of the supervisor: the server runs on, and holds the lock that it inherited.
    orphaned = EmbeddedValkey(tmp_path)
    orphaned.start()
    pid = orphaned.pid
    assert pid is not None
    with client_of(orphaned) as client:
        client.set("kept", "yes")
    with subprocess.Popen(["true"]) as dead:
        pass
    (tmp_path / "lock").write_text(f"{dead.pid}\n")
    orphaned._lock.release()
    with EmbeddedValkey(tmp_path) as server, client_of(server) as client:
        assert client.get("kept") == "yes"
        assert server.pid != pid
    wait_for(lambda: orphaned.exit_code is not None)


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o770, 0o755, 0o750, 0o701, 0o704, 0o710])
def test_folder_open_to_others_is_refused_and_not_changed(tmp_path: Path, mode: int) -> None:
    tmp_path.chmod(mode)
    before = tmp_path.stat()
    with pytest.raises(HomeError, match=rf"is open to other users \(mode {mode:o}\).*chmod 700 '?{tmp_path}"):
        EmbeddedValkey(tmp_path).start()
    assert (tmp_path.stat().st_mode, tmp_path.stat().st_ctime_ns) == (before.st_mode, before.st_ctime_ns)
    assert list(tmp_path.iterdir()) == []


def test_new_home_is_private(tmp_path: Path) -> None:
    home = tmp_path / "a" / "home"
    prepare_home(home)
    assert mode_of(home) == 0o700


@pytest.mark.parametrize(
    "folder",
    ["/", "/etc", "/etc/pippin", "/usr", "/usr/lib/pippin", "/tmp", "/var", "/var/lib", "/var/tmp", "/proc/1", "/root"],
)
def test_system_folder_is_refused_and_not_created(tmp_path: Path, folder: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    there = Path(folder).exists()
    for home in (Path(folder), link, Path(folder, "..") / folder.rpartition("/")[2]):
        with pytest.raises(HomeError, match="choose a folder of your own"):
            prepare_home(home)
    assert Path(folder).exists() == there


def test_users_home_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(HomeError, match="is your home folder itself"):
        prepare_home(tmp_path)
    prepare_home(tmp_path / ".pippin")


def test_a_home_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(HomeError, match="cannot be used"):
        EmbeddedValkey(tmp_path / "home").start()


def test_url_before_the_first_start_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedValkeyError, match="no address"):
        _ = EmbeddedValkey(tmp_path).url
