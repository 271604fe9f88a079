"""This machine's operating system and processor, as `/workers` and `pippin doctor` show them."""

import platform
import subprocess
import sys
from contextlib import suppress
from pathlib import Path


def operating_system() -> str:
    """System and version, such as `macOS 26.1` or `Linux 6.12`."""
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return f"{platform.system()} {platform.release()}"


def chip() -> str:
    """The processor's name, such as `Apple M4`; its architecture where the name is unknown."""
    with suppress(OSError, subprocess.SubprocessError):
        if sys.platform == "darwin":
            command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
            answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=5)  # noqa: S603 - a fixed command
            return answer.stdout.strip()
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.machine()
