"""The file that a process reads its token from, so that the token is in no argument and in no list of processes."""

import os
import stat
from pathlib import Path

from pippin.faults import PippinError
from pippin.tokens.token import parse

_MOST_BYTES = 4096


class TokenFileError(PippinError):
    """The file that PIPPIN_TOKEN_FILE names cannot be used; the text says why and never shows what it holds."""


def read_token(path: Path | None) -> str | None:
    """The token in the file at `path`; None when no file is named.

    Raises:
        TokenFileError: It cannot be read, others than its owner may read it, or it holds no token.
    """
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            mode = os.fstat(file.fileno()).st_mode
            content = file.read(_MOST_BYTES) if stat.S_ISREG(mode) else b""
    except OSError as error:
        raise TokenFileError(f"PIPPIN_TOKEN_FILE {path} cannot be read: {error.strerror}") from error
    if mode & 0o077:
        raise TokenFileError(
            f"PIPPIN_TOKEN_FILE {path} may be read or written by others (mode {stat.S_IMODE(mode):04o}); "
            f"close it with: chmod 600 {path}"
        )
    text = content.decode("ascii", errors="replace").strip()
    if parse(text) is None:
        raise TokenFileError(
            f"PIPPIN_TOKEN_FILE {path} holds no token; its one line is what `pippin tokens create` printed"
        )
    return text
