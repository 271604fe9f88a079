"""Checks of the machine: system, processor, Python, disk, and the engines that can train on it."""

import os
import platform
import shutil
import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pippin.cli.doctor.findings import Finding, fault, ok, warning
from pippin.system.extras import coreml_fault, import_fault, install_command
from pippin.system.machine import chip, operating_system

# The first version for Apple silicon. MLUpdateTask was added in 10.15.
_OLDEST_MACOS = (11, 0)
_PYTHON_VERSIONS = ((3, 11), (3, 14))


def check_system(system: str = sys.platform, name: str | None = None) -> Finding:
    """Check that the operating system is supported.

    Args:
        system: A value of `sys.platform`.
        name: The system's name and version, such as `macOS 26.1`; None reads it from this machine.
    """
    shown = operating_system() if name is None else name
    if system == "darwin":
        numbers = tuple(int(part) for part in shown.split()[-1].split(".")[:2] if part.isdigit())
        if numbers < _OLDEST_MACOS:
            return fault("system", shown, "Update to macOS 11 or later in System Settings, General.")
    elif system != "linux":
        return warning("system", shown, "Pippin supports macOS and Linux; run it on one of them.")
    return ok("system", shown)


def check_chip(system: str = sys.platform, machine: str | None = None, name: str | None = None) -> Finding:
    """Check that the processor is supported.

    Args:
        system: A value of `sys.platform`.
        machine: The processor's architecture; None reads it from this machine.
        name: The manufacturer's name of the processor; None reads it from this machine.
    """
    architecture = platform.machine() if machine is None else machine
    chip_name = chip() if name is None else name
    description = chip_name if chip_name == architecture else f"{chip_name} ({architecture})"
    if system == "darwin" and architecture != "arm64":
        return fault(
            "chip",
            description,
            "requirements.lock covers Apple silicon only. On such a Mac, Python runs under Rosetta: install an arm64 "
            "Python and recreate the virtual environment.",
        )
    return ok("chip", description)


def check_python(version: tuple[int, int, int] = sys.version_info[:3]) -> Finding:
    """Check that the version of Python is supported.

    Args:
        version: Major, minor, micro.
    """
    python = ".".join(map(str, version))
    first, end = _PYTHON_VERSIONS
    if not first <= version[:2] < end:
        return fault("python", python, "Recreate the virtual environment with Python 3.11, 3.12 or 3.13.")
    return ok("python", python)


FaultOf = Callable[[str], str | None]

_INSTALL_ADVICE = f"Install it into the same environment: {install_command('worker', 'mac')}"


def check_pyobjc(system: str = sys.platform, fault_of: FaultOf = import_fault) -> Finding:
    """Check that PyObjC, the bridge to Objective-C, can be imported.

    Args:
        system: A value of `sys.platform`.
        fault_of: Returns the reason why a library cannot be imported, or None.
    """
    if system != "darwin":
        return ok("pyobjc", "not needed on this system")
    if why := fault_of("objc"):
        return fault("pyobjc", why, _INSTALL_ADVICE)
    return ok("pyobjc", _version("pyobjc-core"))


def check_coreml(system: str = sys.platform, fault_of: FaultOf = import_fault) -> Finding:
    """Check that Core ML can be imported.

    Args:
        system: A value of `sys.platform`.
        fault_of: Returns the reason why a library cannot be imported, or None.
    """
    if system != "darwin":
        return ok("core ml", "part of macOS only; this system trains with jax")
    if why := coreml_fault(fault_of):
        return fault("core ml", why, _INSTALL_ADVICE)
    return ok("core ml", f"pyobjc-framework-CoreML {_version('pyobjc-framework-CoreML')}")


def check_engines(system: str = sys.platform, fault_of: FaultOf = import_fault) -> Finding:
    """Check with which engines a worker can be started.

    Args:
        system: A value of `sys.platform`.
        fault_of: Returns the reason why a library cannot be imported, or None.
    """
    import_faults = {"jax": fault_of("jax")}
    import_faults["coreml"] = coreml_fault(fault_of) if system == "darwin" else "Core ML is part of macOS only"
    usable = [engine for engine, why in import_faults.items() if why is None]
    if usable:
        return ok("engines", ", ".join(usable))
    reasons = "; ".join(f"{engine}: {why}" for engine, why in import_faults.items())
    command = install_command("worker", "mac") if system == "darwin" else install_command("worker")
    return fault(
        "engines",
        f"no engine can run here ({reasons})",
        f"A worker needs an engine: {command}. A machine that only submits jobs does not.",
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"


_GIB = 2**30
_MIN_FREE_BYTES = _GIB


def check_disk(home: Path, cache_bytes: int, free: int | None = None) -> Finding:
    """Check that PIPPIN_HOME is writable and has free space for the blobs that a worker caches.

    Args:
        home: PIPPIN_HOME, which need not exist yet.
        cache_bytes: The maximum size of the cache.
        free: Free bytes; None reads them from the disk.
    """
    existing = next(folder for folder in (home, *home.parents) if folder.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        return fault("disk", f"{home} is not writable", "Set PIPPIN_HOME to a folder of your own.")
    free_bytes = shutil.disk_usage(existing).free if free is None else free
    free_space = f"{free_bytes / _GIB:.1f} GiB free for {home}"
    if free_bytes < _MIN_FREE_BYTES:
        return fault("disk", free_space, "Free at least 1 GiB, or set PIPPIN_HOME to a folder on a larger disk.")
    if free_bytes < cache_bytes:
        advice = f"The cache may take {cache_bytes / _GIB:.1f} GiB: free as much, or set PIPPIN_CACHE_BYTES lower."
        return warning("disk", free_space, advice)
    return ok("disk", free_space)
