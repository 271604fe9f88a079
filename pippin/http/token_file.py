"""The file that a process reads its token from, so that the token is not in arguments and lists of processes."""

import os
import secrets
import stat
from pathlib import Path

from pippin.api.tokens import parse
from pippin.errors import PippinError

_MAX_BYTES = 4096


class TokenFileError(PippinError):
    """A token's file cannot be used; the text names the setting and the cause, and never shows the file's content."""


def read_token(path: Path | None, setting: str = "PIPPIN_TOKEN_FILE") -> str | None:
    """The token in the file at `path`; None when no file is named.

    Args:
        path: The file.
        setting: The variable that names it.

    Raises:
        TokenFileError: The file cannot be read, is accessible to others than its owner, or holds no token.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MAX_BYTES) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise TokenFileError(f"{setting} {path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise TokenFileError(
            f"{setting} {path} is open to other users (mode {stat.S_IMODE(mode):04o}); close it with: chmod 600 {path}"
        )
    text = content.decode("ascii", errors="replace").strip()
    if parse(text) is None:
        raise TokenFileError(
            f"{setting} {path} contains no token; needs the one line that `pippin tokens create` printed"
        )
    return text


def write_token(path: Path, text: str, setting: str) -> None:
    """Make a new file that only its owner may read.

    Args:
        path: The file, in an existing folder.
        text: The token.
        setting: The variable that names it.

    Raises:
        FileExistsError: The file exists already.
        TokenFileError: The file cannot be made.
    """
    # Written completely under another name first, so that a file at `path` always holds a complete token.
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(f"{text}\n")
                file.flush()
                os.fsync(file.fileno())
            path.hardlink_to(draft)
        finally:
            draft.unlink()
    except FileExistsError:
        raise
    except OSError as error:
        raise TokenFileError(f"{setting} {path} cannot be created: {error.strerror}") from error
