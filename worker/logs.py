"""What a worker and its children log."""

import logging

from pippin.settings import Settings
from pippin.system import logs

# Our own lines say better what RQ and HTTPX say at level info; JAX writes a hundred lines a program at level debug.
_TALKATIVE = ("rq", "jax", "httpx2", "httpcore2")


def configure(settings: Settings) -> None:
    """Log as the settings say, other people's libraries from warnings on."""
    logs.configure(settings.log_level, settings.log_format)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
