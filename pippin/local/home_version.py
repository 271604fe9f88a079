"""The version of what PIPPIN_HOME holds, so that an older Pippin does not start on what a newer one has written."""

import os
import re
from contextlib import suppress
from pathlib import Path

from pippin.errors import PippinError

MAJOR, MINOR = 1, 0
VERSION = f"{MAJOR}.{MINOR}"

_FILE = "version"
_FORM = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})\s*")


class HomeVersionError(PippinError):
    """PIPPIN_HOME holds what this Pippin cannot use."""


def require_version(home: Path) -> None:
    """Check that this Pippin can use what the folder holds, and note its version if none is noted yet.

    A newer minor version adds what an older Pippin does not need to know; a newer major version means something else.

    Raises:
        HomeVersionError: A Pippin of a newer major version has used the folder, or the file is damaged.
        OSError: The file cannot be read or made.
    """
    path = home / _FILE
    with suppress(FileNotFoundError):
        with path.open("rb") as file:
            text = file.read(100).decode("ascii", errors="replace")
        form = _FORM.fullmatch(text)
        if form is None:
            raise HomeVersionError(
                f"{path} is damaged: it holds {text[:20]!r}, and a version such as {VERSION} belongs there; write the "
                "one that this folder was used with last into it"
            )
        if int(form[1]) > MAJOR:
            raise HomeVersionError(
                f"PIPPIN_HOME {home} has version {text.strip()} and was used by a newer Pippin; this one can use "
                f"versions up to {MAJOR}.x: upgrade this Pippin, or choose another folder"
            )
        return
    draft = home / f".{_FILE}.{os.getpid()}"
    draft.write_text(f"{VERSION}\n")
    draft.replace(path)
