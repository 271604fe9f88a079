"""Logging of a worker and its children."""

import logging

from pippin.settings import Settings
from pippin.system import logs

# RQ and HTTPX at level info repeat Pippin's own lines; JAX at level debug writes a hundred lines per program.
_NOISY = ("rq", "jax", "httpx2", "httpcore2")


def configure(settings: Settings) -> None:
    """Configure logging by the settings; noisy third-party libraries log warnings and above only."""
    logs.configure(settings.log_level, settings.log_format)
    for name in _NOISY:
        logging.getLogger(name).setLevel(logging.WARNING)
