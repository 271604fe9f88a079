"""The engines by name. An engine is imported only when it is created: each requires libraries of its own."""

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
    """The options of an engine on this machine.

    Attributes:
        threads: Number of compute threads; None leaves the number to the engine.
        cache: Folder of compiled programs that are reused by later jobs, with one subfolder per engine.
        switches: Choices of the engine jax where Core ML's behaviour is undocumented.
    """

    threads: int | None
    cache: Path
    switches: Switches = field(default_factory=Switches)

    @classmethod
    def of(cls, settings: Settings) -> "EngineOptions":
        """Read the options from the settings."""
        return cls(
            threads=settings.worker_threads,
            cache=settings.home / "cache" / "programs",
            switches=Switches(settings.jax_order, settings.jax_last_batch, settings.jax_momentum, settings.jax_adam),
        )


class UnknownEngineError(PippinError):
    """The engine does not exist, or cannot run on this machine."""


def _jax(options: EngineOptions) -> Engine:
    # `configure` comes first: JAX reads the environment when it is imported.
    from worker.engines.jax.configure import configure  # noqa: PLC0415 - not installed on every worker

    configure(threads=options.threads, cache_dir=options.cache / "jax")
    from worker.engines.jax.engine import JaxEngine  # noqa: PLC0415 - see above

    return JaxEngine(options.switches)


def _coreml(_options: EngineOptions) -> Engine:
    from worker.engines.coreml.engine import CoreMLEngine  # noqa: PLC0415 - its libraries exist on macOS only

    return CoreMLEngine()


ENGINES: dict[str, Callable[[EngineOptions], Engine]] = {
    "jax": _jax,
    "coreml": _coreml,
}

# How to install an engine's libraries, and on which systems they exist.
_REQUIREMENTS = {
    "jax": f"install its packages with: {install_command('worker')}",
    "coreml": f"it needs macOS 11 or later and these packages: {install_command('worker', 'mac')}",
}


def make_engine(name: str, options: EngineOptions) -> Engine:
    """Import and set up the engine `name`, without computing anything.

    Raises:
        UnknownEngineError: The engine does not exist, or its libraries are not installed.
    """
    if name not in ENGINES:
        raise UnknownEngineError(f"there is no engine {name!r}; the engines are {', '.join(ENGINES)}")
    try:
        return ENGINES[name](options)
    except ImportError as error:
        raise UnknownEngineError(f"the engine {name} cannot run here: {error}; {_REQUIREMENTS[name]}") from error
