"""PIPPIN_HOME: private to its owner, of a known version, and used by one supervisor at a time."""

import fcntl
import os
import re
import shlex
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pippin.errors import PippinError
from pippin.system.retry import wait_until

# The version of the layout of PIPPIN_HOME.
MAJOR, MINOR = 1, 0
VERSION = f"{MAJOR}.{MINOR}"

_VERSION_FILE = "version"
_VERSION_PATTERN = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})\s*")


class HomeError(PippinError):
    """PIPPIN_HOME cannot be used."""


class HomeVersionError(PippinError):
    """A newer Pippin has used PIPPIN_HOME, or its version file is damaged."""


_ADVICE = "choose a folder of your own, such as ~/.pippin"

# Folders of the system or of all users; a folder inside one of them may be PIPPIN_HOME.
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
# Folders of the system; folders inside them are refused too.
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
    """Create the folder, private to its owner, if it does not exist; check that an existing one is private.

    The folder holds passwords and models. The mode of an existing folder is never changed: other programs may need it.

    Raises:
        HomeVersionError: A newer major version of Pippin has used the folder.
        HomeError: The folder cannot be created, is not a folder, belongs to the system or another user, or is open to
            other users.
    """
    try:
        real = home.resolve()
        if real == Path.home().resolve():
            raise HomeError(f"PIPPIN_HOME {home} is your home folder itself; {_ADVICE}")
        if real in _SHARED or any(real.is_relative_to(folder) for folder in _SYSTEM):
            raise HomeError(f"PIPPIN_HOME {home} is a system folder; {_ADVICE}")
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = home.stat()
        if status.st_uid != os.getuid():
            raise HomeError(f"PIPPIN_HOME {home} belongs to another user; {_ADVICE}")
        if status.st_mode & 0o077:
            raise HomeError(
                f"PIPPIN_HOME {home} is open to other users (mode {stat.S_IMODE(status.st_mode):o}) and would hold "
                f"passwords and models; close it with chmod 700 {shlex.quote(str(home))}, or {_ADVICE}"
            )
        require_version(home)
    except OSError as error:
        raise HomeError(f"PIPPIN_HOME {home} cannot be used: {error.strerror}") from error


def require_version(home: Path) -> None:
    """Check that this version of Pippin can use the folder's data; write the version file if it does not exist.

    An older version can ignore the additions of a newer minor version, but not the changes of a newer major version.

    Raises:
        HomeVersionError: A newer major version of Pippin has used the folder, or the version file is damaged.
        OSError: The version file cannot be read or written.
    """
    path = home / _VERSION_FILE
    with suppress(FileNotFoundError):
        with path.open("rb") as file:
            text = file.read(100).decode("ascii", errors="replace")
        match = _VERSION_PATTERN.fullmatch(text)
        if match is None:
            raise HomeVersionError(
                f"{path} is damaged: it contains {text[:20]!r}; needs a version such as {VERSION}: write the version "
                "that last used this folder into it"
            )
        if int(match[1]) > MAJOR:
            raise HomeVersionError(
                f"PIPPIN_HOME {home} has version {text.strip()} and was used by a newer Pippin; this one can use "
                f"versions up to {MAJOR}.x: upgrade this Pippin, or choose another folder"
            )
        return
    draft = home / f".{_VERSION_FILE}.{os.getpid()}"
    draft.write_text(f"{VERSION}\n")
    draft.replace(path)


class HomeLock:
    """A lock on PIPPIN_HOME, held until both the supervisor and the server that it started have ended.

    The lock is on an open file, which the server inherits: no second server can open the same data while the first
    server still writes, even if the supervisor was killed.
    """

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file: int | None = None

    @property
    def descriptor(self) -> int:
        """The file descriptor for the server to inherit.

        Raises:
            HomeError: The lock is not held.
        """
        if self._file is None:
            raise HomeError(f"PIPPIN_HOME {self._home} is not locked by this process")
        return self._file

    def acquire(self, *, leftover: Callable[[], None], seconds: float) -> None:
        """Acquire the lock. Wait only for a server whose supervisor has ended.

        Args:
            leftover: Requests such a server to stop.
            seconds: The maximum time to wait for that server.

        Raises:
            HomeError: Another supervisor uses this folder; the message contains its process id.
        """
        if self._file is not None:
            return
        try:
            file = os.open(self._home / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HomeError(f"PIPPIN_HOME {self._home} cannot be locked: {error.strerror}") from error

        def is_settled() -> bool:
            if _locked(file) or _alive(_holder(file)):
                return True
            leftover()
            return False

        wait_until(is_settled, seconds)
        if not _locked(file):
            holder = _holder(file)
            os.close(file)
            raise HomeError(
                f"PIPPIN_HOME {self._home} is in use by the process {holder}; stop it, or choose another folder"
            )
        os.ftruncate(file, 0)
        os.pwrite(file, f"{os.getpid()}\n".encode(), 0)
        self._file = file

    def release(self) -> None:
        """Release the lock, if it is held."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _holder(file: int) -> str:
    """The process id in the lock file."""
    return os.pread(file, 20, 0).decode(errors="replace").strip()


def _locked(file: int) -> bool:
    """Acquire or keep the lock; return False if another process holds it."""
    with suppress(BlockingIOError):
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    return False


def _alive(holder: str) -> bool:
    """Whether a process with this id exists."""
    if not holder.isdigit():
        return False
    try:
        os.kill(int(holder), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
