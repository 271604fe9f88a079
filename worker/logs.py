"""What a worker and its children log."""

import logging

from pippin import logs

# Our own lines say better what RQ and HTTPX say at level info; JAX writes a hundred lines a program at level debug.
_TALKATIVE = ("rq", "jax", "httpx2", "httpcore2")


def configure(level: str) -> None:
    """Log from `level` on, other people's libraries from warnings on."""
    logs.configure(level)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
