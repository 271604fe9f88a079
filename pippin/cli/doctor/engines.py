"""What can train here: PyObjC, Core ML, and the engines that stand on them or on JAX."""

import sys
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

from pippin.cli.doctor.finding import Finding, fault, ok
from pippin.system.extras import coreml_fault, import_fault, install_command

FaultOf = Callable[[str], str | None]

_MAC = f"Install it into the same environment: {install_command('worker', 'mac')}"


def check_pyobjc(system: str = sys.platform, fault_of: FaultOf = import_fault) -> Finding:
    """The bridge to Objective-C.

    Args:
        system: As `sys.platform`.
        fault_of: What keeps a library from being imported; None if nothing does.
    """
    if system != "darwin":
        return ok("pyobjc", "not needed on this system")
    if why := fault_of("objc"):
        return fault("pyobjc", why, _MAC)
    return ok("pyobjc", _version("pyobjc-core"))


def check_coreml(system: str = sys.platform, fault_of: FaultOf = import_fault) -> Finding:
    """Apple's framework.

    Args:
        system: As `sys.platform`.
        fault_of: What keeps a library from being imported; None if nothing does.
    """
    if system != "darwin":
        return ok("core ml", "part of macOS only; this system trains with jax")
    if why := coreml_fault(fault_of):
        return fault("core ml", why, _MAC)
    return ok("core ml", f"pyobjc-framework-CoreML {_version('pyobjc-framework-CoreML')}")


def check_engines(system: str = sys.platform, fault_of: FaultOf = import_fault) -> Finding:
    """The engines that a worker can be started with.

    Args:
        system: As `sys.platform`.
        fault_of: What keeps a library from being imported; None if nothing does.
    """
    lacking = {"jax": fault_of("jax")}
    lacking["coreml"] = coreml_fault(fault_of) if system == "darwin" else "Core ML is part of macOS only"
    usable = [engine for engine, why in lacking.items() if why is None]
    if usable:
        return ok("engines", ", ".join(usable))
    reasons = "; ".join(f"{engine}: {why}" for engine, why in lacking.items())
    command = install_command("worker", "mac") if system == "darwin" else install_command("worker")
    return fault(
        "engines",
        f"none can run here ({reasons})",
        f"A machine that trains needs one: {command}. One that only submits jobs does not.",
    )


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return "of unknown version"
