"""Restores a copy of all records into a Redis: staged beside the present records, then replacing them in one step."""

from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from typing import Any

from redis.client import Pipeline
from redis.exceptions import ResponseError

from pippin.store import clock, keys
from pippin.store.attempts import Claim
from pippin.store.errors import LeaseLost, Refused
from pippin.store.leases import MAX_MEMBERS
from pippin.store.queues import QUEUES
from pippin.store.snapshot import KeyCopy, exact_client
from pippin.store.store import Store

_SCAN = 1000
_BATCH_COMMANDS = 500
_BATCH_CHARACTERS = 4 * 2**20
_PART = 1000  # members of one key that one command writes
# Held jobs are given back right after the records are replaced. If the process is killed then, the reaper gives them
# back. Otherwise the reaper must not act before this process: hence the long lease.
_LEASE_SECONDS = 120


class Restoring:
    """The steps of one restore, in this order: `clear`, `stage`, `replace`, `settle`.

    A process that is killed before `replace` has changed no record. After `replace` all records are in place, and the
    reaper of a service does the work of a `settle` that did not finish.

    Args:
        url: The address of Redis, password included.
    """

    def __init__(self, url: str) -> None:
        self._client = exact_client(url)
        self._store = Store(self._client)

    @property
    def store(self) -> Store:
        """The store on the same connection."""
        return self._store

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def is_empty(self) -> bool:
        """Whether Redis holds no record."""
        return not any(keys.is_record(name) for name in self._scan(keys.ALL_KEYS))

    def count(self) -> int:
        """Number of keys of records in Redis."""
        return sum(1 for name in self._scan(keys.ALL_KEYS) if keys.is_record(name))

    def clear(self) -> None:
        """Remove the staged keys of an interrupted restore."""
        self._client.delete(keys.STAGED_WHOLE)
        names: list[str] = []
        for name in self._scan(f"{keys.STAGED}*"):
            names.append(name)
            if len(names) == _SCAN:
                self._client.unlink(*names)
                names = []
        if names:
            self._client.unlink(*names)

    def stage(self, copies: Iterable[KeyCopy]) -> None:
        """Write copies of keys beside the present keys; of several copies of one key the last one counts.

        Raises:
            StoreUnavailable: Redis cannot be reached, or is full.
        """
        size = 0
        with self._client.pipeline(transaction=False) as pipe:
            for copy in copies:
                _write(pipe, keys.STAGED + copy.key, copy)
                size += _characters(copy.value)
                if len(pipe) >= _BATCH_COMMANDS or size > _BATCH_CHARACTERS:
                    pipe.execute()
                    size = 0
            pipe.set(keys.STAGED_WHOLE, "")
            pipe.execute()

    def replace(self) -> None:
        """Replace all records by the staged keys, in one step."""
        for queue in QUEUES.values():
            for job_id, number in self._store.queues.waiting(queue):
                self._store.queues.withdraw(queue, job_id, number)
        leases = keys.STAGED + keys.LEASES
        if held := self._client.zrange(leases, 0, -1):
            end = clock.now(self._client) + _LEASE_SECONDS * 1_000_000
            self._client.zadd(leases, dict.fromkeys(map(str, held), end))
        script = (files("pippin.store") / "lua" / "replace.lua").read_text()
        arguments = [keys.STAGED, *sorted(keys.NON_RECORD_KINDS)]
        self._client.register_script(script)(keys=[keys.STAGED_WHOLE], args=arguments)

    def settle(self, moment: int) -> int:
        """Give back the jobs that were being trained, and queue the queued jobs again.

        Jobs that are given back resume from their last checkpoint, and this does not count as a lost attempt. The time
        since the copy was made does not count as training time. A job whose record is damaged is left to the reaper,
        which fails it.

        Args:
            moment: When the copy was made, in microseconds of TIME of the copied Redis.

        Returns:
            Number of jobs that were given back.
        """
        given_back = 0
        for member in self._client.zrange(keys.LEASES, 0, -1):
            tenant, job_id = keys.parse_member(str(member))
            given_back += self._give_back(tenant, job_id, moment)
        self._store.reaping.requeue_orphans(0, limit=MAX_MEMBERS)
        return given_back

    def _give_back(self, tenant: str, job_id: str, moment: int) -> bool:
        of = keys.job(tenant, job_id)
        try:
            held, token = self._client.hmget(of.job, "attempt", "token")
            if not held or not token:
                self._client.zrem(keys.LEASES, keys.member(tenant, job_id))
                return False
            number = int(held)
            times = self._client.hmget(of.attempts, f"{number}:seen", f"{number}:started_at")
            seen = next((int(at) for at in times if at), moment)
            # Keep the distance to the time of the copy: the clocks of the two Redis servers may differ.
            moved = clock.now(self._client) - max(0, moment - seen)
            self._client.hset(of.attempts, f"{number}:seen", moved)
            self._store.attempts.hand_back(Claim(tenant, job_id, number, str(token)))
        except (LeaseLost, Refused, ResponseError, ValueError):
            return False
        return True

    def _scan(self, pattern: str) -> Iterator[str]:
        cursor = 0
        while True:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.scan(cursor, match=pattern, count=_SCAN)
                cursor, names = pipe.execute()[0]
            yield from names
            if not int(cursor):
                return


def _write(pipe: Pipeline, name: str, copy: KeyCopy) -> None:
    """Queue the commands that give the key `name` the type, value and expiry of the copy."""
    key = _bytes(name)
    pipe.unlink(key)
    if copy.type != "none":
        _WRITES[copy.type](pipe, key, copy.value)
    if copy.expires_at is not None:
        pipe.pexpireat(key, copy.expires_at)


def _write_stream(pipe: Any, key: bytes, value: Any) -> None:  # noqa: ANN401 - untyped in redis-py; see snapshot.Value
    last, entries = value
    for entry, fields in entries:
        pipe.execute_command("XADD", key, entry, *map(_bytes, fields))
    # New ids must follow the last id ever assigned, not the last entry that is kept.
    pipe.execute_command("XSETID", key, last)


def _write_parts(write: Callable[[Pipeline, bytes, list[Any]], object]) -> Callable[[Pipeline, bytes, Any], None]:
    """A writer that writes members with commands of a bounded length."""

    def write_all(pipe: Pipeline, key: bytes, value: Any) -> None:  # noqa: ANN401 - see snapshot.Value
        members = list(value.items()) if isinstance(value, dict) else value
        for start in range(0, len(members), _PART):
            write(pipe, key, members[start : start + _PART])

    return write_all


_WRITES: dict[str, Callable[[Pipeline, bytes, Any], object]] = {
    "string": lambda pipe, key, value: pipe.set(key, _bytes(value)),
    "hash": _write_parts(
        lambda pipe, key, part: pipe.hset(key, mapping={_bytes(name): _bytes(value) for name, value in part})
    ),
    "list": _write_parts(lambda pipe, key, part: pipe.rpush(key, *map(_bytes, part))),
    "set": _write_parts(lambda pipe, key, part: pipe.sadd(key, *map(_bytes, part))),
    "zset": _write_parts(lambda pipe, key, part: pipe.zadd(key, {_bytes(member): score for member, score in part})),
    "stream": _write_stream,
}


def _characters(value: Any) -> int:  # noqa: ANN401 - see snapshot.Value
    if isinstance(value, str):
        return len(value)
    if isinstance(value, dict):
        return sum(len(name) + len(text) for name, text in value.items())
    return sum(map(_characters, value)) if isinstance(value, list) else 8


def _bytes(text: str) -> bytes:
    # redis-py's packer in C does not support surrogates.
    return text.encode("utf-8", "surrogateescape")
