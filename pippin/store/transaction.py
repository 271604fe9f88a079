"""Optimistic transactions: read under WATCH, decide, write in one MULTI, and again if another was quicker."""

from collections.abc import Callable
from typing import TypeVar

from redis.client import Pipeline
from redis.exceptions import WatchError

from pippin.store.client import Client
from pippin.store.errors import StoreUnavailable

_T = TypeVar("_T")

# Ten writers disturb each other perhaps ten times; a hundred times in vain, the connection keeps breaking.
_TRIES = 100


def watching(client: Client, watched: list[str], body: Callable[[Pipeline], _T]) -> _T:
    """Run `body` until no watched key changed between its reads and its EXEC.

    A connection that breaks during EXEC counts as a change too, though the writes may have been made: `body` must
    recognise its own work when it runs again.

    Args:
        client: Where to run it.
        watched: The keys that it reads to decide.
        body: Reads through the pipeline it is given, calls `multi`, queues its writes, calls `execute`.

    Raises:
        StoreUnavailable: Every try was disturbed.
    """
    for _ in range(_TRIES):
        with client.pipeline() as pipe:
            try:
                pipe.watch(*watched)  # type: ignore[no-untyped-call]
                return body(pipe)
            except WatchError:
                continue
    raise StoreUnavailable("Redis was too busy with the same record; try again")


def hmget(pipe: Pipeline, key: str, *fields: str) -> list[str]:
    """Fields of a hash, read at once under WATCH; what is absent reads as ""."""
    # That a pipeline answers at once then, its type does not tell.
    values: list[str | None] = pipe.execute_command("HMGET", key, *fields)  # type: ignore[no-untyped-call]
    return [value or "" for value in values]
