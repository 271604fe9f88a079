"""Whether a service requires tokens, recorded outside Redis: one that lost its records must not open the service."""

import json
import os
import secrets
import stat
import threading
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import structlog

from pippin.api.tokens import ROLES
from pippin.errors import PippinError
from pippin.settings import Settings, SettingsError
from pippin.store import Store, StoreUnavailable

_NAME = "required-tokens.json"
_VERSION = 1
_MAX_BYTES = 4096

_log = structlog.stdlib.get_logger(__name__)


class RequirementError(PippinError):
    """The file of the token requirement cannot be used; the text names it and says why."""


class Requirement(NamedTuple):
    """The roles that require a token.

    Attributes:
        roles: The roles of which a token was ever made. All roles, if the file cannot be read.
        generation: Identifies the last `reset`; "" before the first.
    """

    roles: frozenset[str]
    generation: str


_NOTHING = Requirement(frozenset(), "")


class TokenRequirement:
    """Records, in a file in PIPPIN_HOME and in this process, of which roles a token was ever made.

    The file is read on every call, so that a `reset` by another process counts at once. If the file cannot be written,
    the process keeps the roles in memory and tries again. Thread-safe.
    """

    def __init__(self, home: Path) -> None:
        self._path = home / _NAME
        self._lock = threading.Lock()
        self._known = _NOTHING
        self._stored: Requirement | None = None  # content of the file at the last read
        self._logged: str | None = None

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    def recall(self) -> Requirement:
        """The roles in the file and in this process; every role when the file exists but cannot be read."""
        with self._lock:
            return self._recall()

    def remember(self, issued_roles: Collection[str], recalled: Requirement) -> None:
        """Add the roles of which a token was made according to Redis.

        Args:
            issued_roles: These roles.
            recalled: The result of `recall` before Redis was read. After a `reset` in between, nothing is added: Redis
                may have been read before the reset reached it.
        """
        with self._lock:
            current = self._recall()
            # A file that cannot be read is not overwritten: it requires every role, and Redis may have fewer.
            if self._stored is None or current.generation != recalled.generation:
                return
            self._known = Requirement(current.roles | frozenset(issued_roles), current.generation)
            if self._known == self._stored:
                return
            try:
                self._write(self._known)
            except RequirementError as error:
                self._log_once("the token requirement cannot be written and is kept in memory only", error)

    def reset(self) -> None:
        """Remove all roles. To be called after the same was recorded in Redis.

        Raises:
            RequirementError: The file cannot be written.
        """
        with self._lock:
            self._known = Requirement(frozenset(), secrets.token_hex(8))
            self._write(self._known)

    def _recall(self) -> Requirement:
        try:
            stored = self._stored = self._read()
        except RequirementError as error:
            self._stored = None
            self._log_once("tokens of every role are required", error)
            return Requirement(frozenset(ROLES), self._known.generation)
        # A deleted file does not remove the roles that this process has in memory.
        if stored == _NOTHING or stored.generation == self._known.generation:
            self._known = Requirement(self._known.roles | stored.roles, self._known.generation)
        else:
            self._known = stored
        if self._known == stored:
            self._logged = None
        return self._known

    def _read(self) -> Requirement:
        """The content of the file; no roles when the file does not exist."""
        try:
            # Without O_NONBLOCK, opening a named pipe would wait for a writer.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return _NOTHING
        except OSError as error:
            raise RequirementError(f"{self._path} cannot be read: {error.strerror}") from error
        try:
            mode = os.fstat(descriptor).st_mode
            if not stat.S_ISREG(mode) or mode & 0o022:
                raise RequirementError(f"{self._path} is not a regular file that only its owner may write")
            return self._parsed(os.read(descriptor, _MAX_BYTES))
        except OSError as error:
            raise RequirementError(f"{self._path} cannot be read: {error.strerror}") from error
        finally:
            os.close(descriptor)

    def _parsed(self, text: bytes) -> Requirement:
        try:
            document = json.loads(text)
            version, roles, generation = document["version"], frozenset(document["roles"]), document["generation"]
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise RequirementError(f"{self._path} is damaged") from error
        if version != _VERSION:
            raise RequirementError(f"{self._path} has the version {version!r:.20}; this Pippin reads {_VERSION}")
        if not isinstance(generation, str) or not all(isinstance(role, str) for role in roles):
            raise RequirementError(f"{self._path} is damaged")
        return Requirement(roles, generation)

    def _write(self, requirement: Requirement) -> None:
        document = {"version": _VERSION, "roles": sorted(requirement.roles), "generation": requirement.generation}
        draft = self._path.with_name(f".{_NAME}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            try:
                with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                    json.dump(document, file)
                    file.flush()
                    os.fsync(descriptor)
                draft.replace(self._path)
            except BaseException:
                with suppress(OSError):
                    draft.unlink()
                raise
        except OSError as error:
            raise RequirementError(f"{self._path} cannot be written: {error.strerror}") from error

    def _log_once(self, event: str, error: RequirementError) -> None:
        if self._logged != str(error):
            self._logged = str(error)
            _log.error(event, reason=str(error))


ADMIN_SETTING = "PIPPIN_ADMIN_TOKEN_FILE"


def require_admin(settings: Settings, store: Store) -> None:
    """Refuse to start a service that requires tokens while there is no token of the role admin.

    Raises:
        SettingsError: The service requires tokens, no token of the role admin is live, and no file provides one.
    """
    if not settings.requires_tokens or settings.admin_token_file is not None:
        return
    try:
        admins = [token for token in store.tokens.all() if token.role == "admin"]
    except StoreUnavailable:
        # The service starts and waits for Redis, as always; it refuses requests without a token meanwhile.
        return
    if not admins:
        raise SettingsError(
            f"the service requires tokens (PIPPIN_HOST is {settings.host}, PIPPIN_ALLOWED_HOSTS is "
            f"{', '.join(settings.allowed_hosts) or 'empty'}, PIPPIN_REQUIRE_TOKENS is {settings.require_tokens}), "
            "and there is no token of the role admin: create one with `pippin tokens create --role admin`, or set "
            f"{ADMIN_SETTING} to a file, which is created if it does not exist"
        )
