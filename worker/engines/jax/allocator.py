"""How the C library hands out memory. Imports no JAX."""

import ctypes
import sys

# Parameters of mallopt(3), from <malloc.h>.
_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE = 2**30


def keep_freed_memory() -> None:
    """Have glibc keep the memory that is freed, for the next who asks; elsewhere nothing happens.

    Each call of a compiled program takes room for what lies between its layers and frees it at the end. Glibc gave
    that back to the system every time, and 100 MB of it cost 26,000 page faults a call: 0.06 s of a call of 0.15 s.
    It takes one arena too, since that of a thread holds 64 MB at most.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None:
        for parameter, value in ((_ARENA_MAX, 1), (_MMAP_THRESHOLD, _LARGE), (_TRIM_THRESHOLD, _LARGE)):
            mallopt(parameter, value)
