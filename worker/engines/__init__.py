"""The engines by name. An engine is imported only when it is created: each needs libraries that the others do not."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pippin.errors import PippinError
from pippin.settings import Settings
from pippin.system.extras import install_command
from worker.engines.engine import Engine
from worker.engines.jax.switches import Switches


@dataclass(frozen=True)
class EngineOptions:
    """How an engine is set up on this machine.

    Attributes:
        threads: How many threads compute; None leaves it to the engine.
        cache: A folder where engines keep compiled programs from job to job, each in one of its own.
        switches: How the engine jax trains where Core ML's documents are silent.
    """

    threads: int | None
    cache: Path
    switches: Switches = field(default_factory=Switches)

    @classmethod
    def of(cls, settings: Settings) -> "EngineOptions":
        """The options that the settings ask for."""
        return cls(
            threads=settings.worker_threads,
            cache=settings.home / "cache" / "programs",
            switches=Switches(settings.jax_order, settings.jax_last_batch, settings.jax_momentum, settings.jax_adam),
        )


class UnknownEngineError(PippinError):
    """No engine of this name can run here."""


def _jax(options: EngineOptions) -> Engine:
    # The order matters: JAX reads its environment as it is imported.
    from worker.engines.jax.configure import configure  # noqa: PLC0415 - only the worker that trains with it has it

    configure(threads=options.threads, cache_dir=options.cache / "jax")
    from worker.engines.jax.engine import JaxEngine  # noqa: PLC0415 - see above

    return JaxEngine(options.switches)


def _coreml(_options: EngineOptions) -> Engine:
    from worker.engines.coreml.engine import CoreMLEngine  # noqa: PLC0415 - only a Mac has what it needs

    return CoreMLEngine()


ENGINES: dict[str, Callable[[EngineOptions], Engine]] = {
    "jax": _jax,
    "coreml": _coreml,
}

# What installs an engine's libraries, and where there are any.
_NEEDS = {
    "jax": f"install what it needs with: {install_command('worker')}",
    "coreml": f"it needs macOS 11 or later, and what is installed there with: {install_command('worker', 'mac')}",
}


def make_engine(name: str, options: EngineOptions) -> Engine:
    """The engine called `name`, imported and set up, with nothing computed yet.

    Raises:
        UnknownEngineError: There is no such engine, or its libraries are not installed.
    """
    if name not in ENGINES:
        raise UnknownEngineError(f"there is no engine {name!r}; there is {', '.join(ENGINES)}")
    try:
        return ENGINES[name](options)
    except ImportError as error:
        raise UnknownEngineError(f"the engine {name} cannot run here: {error}; {_NEEDS[name]}") from error
