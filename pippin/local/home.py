"""PIPPIN_HOME: private to its owner, and used by one supervisor at a time."""

import fcntl
import os
import shlex
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pippin.errors import PippinError
from pippin.local.home_version import require_version


class HomeError(PippinError):
    """PIPPIN_HOME cannot be used."""


_CHOOSE = "choose a folder of your own, such as ~/.pippin"

# Folders that the system, or others, use for themselves, and that programs may have folders of their own in.
_SHARED = frozenset(
    map(
        Path,
        (
            *("/", "/home", "/root", "/mnt", "/media", "/opt", "/run", "/srv", "/tmp", "/usr", "/usr/local"),  # noqa: S108 - refused
            *("/var", "/var/cache", "/var/lib", "/var/local", "/var/log", "/var/run", "/var/spool", "/var/tmp"),  # noqa: S108
            *("/Applications", "/Library", "/Users", "/Users/Shared", "/Volumes", "/private", "/private/tmp"),
            *("/private/var", "/private/var/tmp", "/usr/local/var"),
        ),
    )
)
# Folders that belong to the system with all that is in them.
_SYSTEM = tuple(
    map(
        Path,
        (
            *("/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/proc", "/sbin", "/sys"),
            *("/usr/bin", "/usr/include", "/usr/lib", "/usr/lib32", "/usr/lib64", "/usr/libexec", "/usr/sbin"),
            *("/usr/share", "/System", "/private/etc"),
        ),
    )
)


def prepare_home(home: Path) -> None:
    """Make the folder, closed to all but its owner, if there is none; use one that is there only if it is as closed.

    It holds a password and models. The mode of a folder that is there is never changed: others may rely on it.

    Raises:
        HomeVersionError: A Pippin of a newer major version has used it.
        HomeError: It cannot be made, is no folder, is the system's or another user's, or is open to others.
    """
    try:
        real = home.resolve()
        if real == Path.home().resolve():
            raise HomeError(f"PIPPIN_HOME {home} is your home folder itself; {_CHOOSE}")
        if real in _SHARED or any(real.is_relative_to(folder) for folder in _SYSTEM):
            raise HomeError(f"PIPPIN_HOME {home} is a folder of the system; {_CHOOSE}")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = home.stat()
        if status.st_uid != os.getuid():
            raise HomeError(f"PIPPIN_HOME {home} belongs to another user; {_CHOOSE}")
        if status.st_mode & 0o077:
            raise HomeError(
                f"PIPPIN_HOME {home} is open to other users (mode {stat.S_IMODE(status.st_mode):o}) and would hold "
                f"passwords and models; close it with chmod 700 {shlex.quote(str(home))}, or {_CHOOSE}"
            )
        require_version(home)
    except OSError as error:
        raise HomeError(f"PIPPIN_HOME {home} cannot be used: {error.strerror}") from error


class HomeLock:
    """Held by a supervisor and by the server that it started, until both are gone.

    The lock is on an open file, which the server inherits: so no second server can open the same data while the first
    is still writing its last, even if their supervisor was killed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file: int | None = None

    @property
    def descriptor(self) -> int:
        """The file descriptor to hand down to the server.

        Raises:
            HomeError: The lock is not held.
        """
        if self._file is None:
            raise HomeError(f"PIPPIN_HOME {self._home} is not locked by this process")
        return self._file

    def acquire(self, *, leftover: Callable[[], None], seconds: float) -> None:
        """Take the lock; waits only for a server whose supervisor is dead.

        Args:
            leftover: Asks such a server to end.
            seconds: How long to wait for it.

        Raises:
            HomeError: Another supervisor uses this folder; the text has its process id.
        """
        if self._file is not None:
            return
        try:
            file = os.open(self._home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HomeError(f"PIPPIN_HOME {self._home} cannot be locked: {error.strerror}") from error
        deadline = time.monotonic() + seconds
        while not _locked(file):
            holder = os.pread(file, 20, 0).decode(errors="replace").strip()
            if _alive(holder) or time.monotonic() > deadline:
                os.close(file)
                raise HomeError(
                    f"PIPPIN_HOME {self._home} is in use by the process {holder}; stop it, or choose another folder"
                )
            leftover()
            time.sleep(0.05)
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Let another supervisor in; nothing happens when the lock is not held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _locked(file: int) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _alive(holder: str) -> bool:
    if not holder.isdigit():
        return False
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
