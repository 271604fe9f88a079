"""The machine itself: system, processor, Python."""

import platform
import sys

from pippin.cli.doctor.finding import Finding, fault, ok, warning
from pippin.system.machine import chip, operating_system

# The first for Apple silicon. MLUpdateTask itself came with 10.15.
_OLDEST_MACOS = (11, 0)
_PYTHONS = ((3, 11), (3, 14))


def check_system(system: str = sys.platform, found: str | None = None) -> Finding:
    """The operating system and its version.

    Args:
        system: As `sys.platform`.
        found: Its name and version, such as `macOS 26.1`; None asks this machine.
    """
    shown = operating_system() if found is None else found
    if system == "darwin":
        numbers = tuple(int(part) for part in shown.split()[-1].split(".")[:2] if part.isdigit())
        if numbers < _OLDEST_MACOS:
            return fault("system", shown, "Update to macOS 11 or later in System Settings, General.")
    elif system != "linux":
        return warning("system", shown, "Pippin is made for macOS and Linux; run it on one of them.")
    return ok("system", shown)


def check_chip(system: str = sys.platform, machine: str | None = None, name: str | None = None) -> Finding:
    """The processor.

    Args:
        system: As `sys.platform`.
        machine: Its architecture; None asks this machine.
        name: What its maker calls it; None asks this machine.
    """
    architecture = platform.machine() if machine is None else machine
    known = chip() if name is None else name
    found = known if known == architecture else f"{known} ({architecture})"
    if system == "darwin" and architecture != "arm64":
        return fault(
            "chip",
            found,
            "requirements.lock covers Apple silicon only. On such a Mac, Python runs under Rosetta: "
            "install an arm64 Python and make the virtual environment anew.",
        )
    return ok("chip", found)


def check_python(version: tuple[int, int, int] = sys.version_info[:3]) -> Finding:
    """The interpreter.

    Args:
        version: Major, minor, micro.
    """
    found = ".".join(map(str, version))
    first, end = _PYTHONS
    if not first <= version[:2] < end:
        return fault("python", found, "Make the virtual environment anew with Python 3.11, 3.12 or 3.13.")
    return ok("python", found)
