"""The processes that `pippin up` runs beside the embedded server."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pippin.settings import Settings
from pippin.system.extras import coreml_fault, import_fault, install_command

PrintLine = Callable[[str, str], None]
"""Prints a line of the log: the name of the part that wrote the line, and the line's text."""


@dataclass(frozen=True)
class Part:
    """A process to keep running.

    Attributes:
        name: The prefix of its log lines.
        argv: The command; it contains no secret, since every user of the machine can read it.
        environment: Variables added to the supervisor's environment; secrets belong here.
    """

    name: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict, repr=False)


def parts(settings: Settings, workers: int, *, coreml: bool = False) -> list[Part]:
    """The service and the workers.

    Args:
        settings: The settings of the parts. They contain the Redis address (and that of the workers, if it differs) and
            the port to listen on.
        workers: How many workers train with JAX.
        coreml: Whether one more worker trains with Core ML, if there are any workers. One is enough: several would
            share one GPU and one Neural Engine.
    """
    environment = _environment(settings)
    table = [Part("service", python_module("service"), environment)]
    if settings.worker_redis_url is not None:
        environment = {**environment, "PIPPIN_REDIS_URL": settings.worker_redis_url.get_secret_value()}
    names: list[tuple[str, tuple[str, ...]]] = [(f"worker-{number}", ()) for number in range(1, workers + 1)]
    if coreml and workers:
        names.append(("coreml", ("--engine", "coreml")))
    return [*table, *(Part(name, python_module("worker", *options), environment) for name, options in names)]


def python_module(module: str, *arguments: str) -> tuple[str, ...]:
    """The command that runs a module of Pippin."""
    # -P: Python must not import a `worker.py` of the current folder.
    return (sys.executable, "-P", "-m", module, *arguments)


def has_coreml(
    print_line: PrintLine, platform: str = sys.platform, fault_of: Callable[[str], str | None] = import_fault
) -> bool:
    """Whether Core ML can train on this machine; on a Mac where it cannot, print the reason and what to do.

    Args:
        print_line: Prints that line.
        platform: A value of `sys.platform`.
        fault_of: Returns the reason why a library cannot be imported, or None.
    """
    if platform != "darwin":
        return False
    fault = coreml_fault(fault_of)
    if fault is not None:
        print_line(
            "pippin",
            f"not starting a Core ML worker: Core ML cannot be imported ({fault}). Install it with: "
            f"{install_command('worker', 'mac')}",
        )
    return fault is None


def _environment(settings: Settings) -> Mapping[str, str]:
    assert settings.redis_url is not None
    return {
        "PIPPIN_HOME": str(settings.home),
        "PIPPIN_REDIS_URL": settings.redis_url.get_secret_value(),
        "PIPPIN_BLOBS_URL": settings.blobs_url,
        "PIPPIN_HOST": settings.host,
        "PIPPIN_PORT": str(settings.port),
        # Unbuffered, so that a log line is shown as soon as it is written.
        "PYTHONUNBUFFERED": "1",
    }
