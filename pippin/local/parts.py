"""The table of what `pippin up` runs."""

import sys
from collections.abc import Mapping

from pippin.local.part import Part
from pippin.settings import Settings


def parts(settings: Settings, workers: int, *, coreml: bool = False) -> list[Part]:
    """The service and the workers.

    Args:
        settings: As the parts shall see them: with a Redis address, for workers too if they have their own, and the
            port to listen on.
        workers: How many workers train with JAX.
        coreml: Whether one more, beside any of these, trains with Core ML. One is enough: they would share one GPU and
            one Neural Engine.
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
    """The command that runs a module of ours."""
    # -P: a `worker.py` in the current folder must not be taken for the worker.
    return (sys.executable, "-P", "-m", module, *arguments)


def _environment(settings: Settings) -> Mapping[str, str]:
    assert settings.redis_url is not None
    return {
        "PIPPIN_HOME": str(settings.home),
        "PIPPIN_REDIS_URL": settings.redis_url.get_secret_value(),
        "PIPPIN_BLOBS_URL": settings.blobs_url,
        "PIPPIN_HOST": settings.host,
        "PIPPIN_PORT": str(settings.port),
        # A line of the log is shown when it is written, not when a buffer is full.
        "PYTHONUNBUFFERED": "1",
    }
