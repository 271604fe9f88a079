"""Writes the blocking client, pippin/client/sync, from pippin/client/asynchronous; with --check, only compares."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "pippin" / "client" / "asynchronous"
TARGET = ROOT / "pippin" / "client" / "sync"

_NOTE = "# Written by `make client` from pippin/client/asynchronous: change it there.\n"
_REPLACEMENTS = (
    # Documentation that differs between the two clients.
    (r"for asyncio\. (Close it, or use it with) `async with`", r"from several threads if need be. \1 `with`"),
    (r"The client for asyncio\. .*\"\"\"$", 'The blocking client."""'),
    (r"\basync (?=def|for|with)", ""),
    (r"\bawait (?=\w)", ""),
    (r"  # noqa: ASYNC\d+.*", ""),
    (r"^import asyncio$", "import time"),
    (r"\basyncio\.sleep\b", "time.sleep"),
    (r"\bwait_by_following\b", "wait_by_polling"),
    (r"\bpippin\.client\.asynchronous\b", "pippin.client.sync"),
    (r"\bAsync(Client|Iterator|JobView|LiveJob|Transport)\b", r"\1"),
    (r"\b__a(enter|exit)__\b", r"__\1__"),
    (r"\ba(close|read|iter_bytes)\(", r"\1("),
)


def blocking(source: str) -> str:
    """The blocking version of a module of the asyncio client."""
    for pattern, replacement in _REPLACEMENTS:
        source = re.sub(pattern, replacement, source, flags=re.MULTILINE)
    source = _NOTE + source
    for arguments in (["check", "--fix", "--unsafe-fixes", "--select=I,UP028", "--quiet"], ["format", "--quiet"]):
        command = [sys.executable, "-m", "ruff", *arguments, f"--stdin-filename={TARGET / 'module.py'}", "-"]
        ruff = subprocess.run(command, input=source, capture_output=True, check=True, text=True, cwd=ROOT)  # noqa: S603 - our own linter
        source = ruff.stdout
    return source


def main() -> int:
    """Write or compare the modules. The exit status of a comparison is 1 when a file differs."""
    modules = {TARGET / path.name: blocking(path.read_text()) for path in sorted(SOURCE.glob("*.py"))}
    if "--check" in sys.argv[1:]:
        stale = [path for path, text in modules.items() if not path.is_file() or path.read_text() != text]
        for path in stale:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not what `make client` writes\n")
        return 1 if stale else 0
    for path, text in modules.items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
