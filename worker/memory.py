"""A limit on the memory of a training."""

import sys

if sys.platform == "linux":
    import resource


def limit_memory(limit: int | None) -> None:
    """Let this process allocate no more than `limit` bytes; None sets no limit. Linux only.

    RLIMIT_DATA counts what is written to. RLIMIT_AS would count what is mapped: JAX maps 1.4 GB to use 0.2.
    """
    if limit is not None and sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
