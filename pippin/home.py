"""PIPPIN_HOME: private to its owner, and used by one supervisor at a time."""

import fcntl
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pippin.faults import PippinError
from pippin.home_version import require_version


class HomeError(PippinError):
    """PIPPIN_HOME cannot be used."""


def prepare_home(home: Path) -> None:
    """Make the folder if there is none, and let nobody but its owner into it: it holds a password and models.

    Raises:
        HomeVersionError: A Pippin of a newer major version has used it.
        HomeError: It cannot be made, is no folder, is another user's, or is one that everybody may write to.
    """
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = home.stat()
        if found.st_uid != os.getuid():
            raise HomeError(f"PIPPIN_HOME {home} belongs to another user; choose a folder of your own")
        if found.st_mode & stat.S_IWOTH:
            # Closing /tmp, say, to everybody else would be worse than to refuse it.
            raise HomeError(f"PIPPIN_HOME {home} may be written by everybody; choose a folder of your own")
        if found.st_mode & 0o077:
            home.chmod(0o700)
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
