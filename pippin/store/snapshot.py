"""Copies all records as of one moment while Redis continues to be written to.

Redis can read many keys at one moment only in a MULTI, which would have to hold all of them in memory. So the keys are
read one after the other, while Redis reports every key that changes (`CLIENT TRACKING` in broadcasting mode). Changed
keys are read again, until the remaining ones fit into one MULTI and no other key has changed by its end: at that
moment the copy is exact. Neither a fork of the server nor the rights of a replica are needed.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Self, cast

from redis.exceptions import RedisError, ResponseError

from pippin.store import keys
from pippin.store.client import SOCKET_TIMEOUT, Client, reaching
from pippin.store.errors import StoreError

Value = Any
"""JSON: a string; an object for a hash; a list for a list or a set; `[member, score]` pairs for a sorted set; for a
stream `[last id, [[id, [field, value, …]], …]]`. Bytes that are not UTF-8 are lone surrogates (`surrogateescape`).
"""

_SCAN = 1000
_GROUP_KEYS = 200
_GROUP_BYTES = 4 * 2**20  # by Redis' own estimate of the size of a key
_LAST_KEYS = 2000  # most changed keys that one MULTI reads
_ROUNDS = 200
_CHANNEL = "__redis__:invalidate"


class SnapshotError(StoreError):
    """No consistent copy could be made; the text says why."""


@dataclass(frozen=True)
class KeyCopy:
    """A copied key. Of several copies of one key the last one counts.

    Attributes:
        key: Its name.
        type: `hash`, `list`, `set`, `zset`, `stream`, `string`, or `none` for a deleted key.
        value: See `Value`; None for a deleted key.
        expires_at: When it expires, in milliseconds since 1970 by the clock of Redis; None when it does not.
    """

    key: str
    type: str
    value: Value
    expires_at: int | None


class Snapshot:
    """One copy of the records.

    Attributes:
        moment: Time as of which the copy is exact, in microseconds of Redis TIME; 0 until `copies` has ended.

    Args:
        url: The address of Redis, password included.
    """

    def __init__(self, url: str) -> None:
        self._client = exact_client(url)
        self.moment = 0

    def copies(self) -> Iterator[KeyCopy]:
        """The keys of every record. The copy is exact only when the iteration has ended.

        Raises:
            StoreUnavailable: The connection broke, or Redis does not respond.
            SnapshotError: Redis changes too quickly, was emptied meanwhile, or refuses a command that this needs.
        """
        try:
            with _Changes(self._client) as changes:
                for names in self._scan():
                    yield from self._read(names)
                changed = changes.take()
                for _ in range(_ROUNDS):
                    if len(changed) > _LAST_KEYS:
                        yield from self._read(sorted(changed))
                        changed = changes.take()
                        continue
                    copies = self._read_at_once(sorted(changed))
                    late = changes.take()
                    yield from copies or ()
                    if copies is not None and late <= changed:
                        return
                    # So the next MULTI includes all keys that change often, in whatever order they change.
                    changed |= late
            raise SnapshotError("Redis changes too quickly for a consistent copy; try again when fewer jobs run")
        except ResponseError as error:
            raise SnapshotError(f"Redis refuses a command that copying all records needs: {error}") from error
        finally:
            self._client.close()

    def _scan(self) -> Iterator[list[str]]:
        cursor = 0
        while True:
            with self._client.pipeline(transaction=False) as pipe:
                pipe.scan(cursor, match=keys.ALL_KEYS, count=_SCAN)
                cursor, names = pipe.execute()[0]
            yield [name for name in names if keys.is_record(name)]
            if not int(cursor):
                return

    def _read(self, names: Iterable[str]) -> Iterator[KeyCopy]:
        """Copies of keys, each as of its own read. A key that changes its type meanwhile is left to a later round."""
        for group in self._groups(names):
            with self._client.pipeline(transaction=False) as pipe:
                answers = self._ask(pipe, group)
            yield from (copy for copy in _copies(group, answers) if copy is not None)

    def _read_at_once(self, names: list[str]) -> list[KeyCopy] | None:
        """Copies of keys, all as of one moment; None when one of them changed its type just before."""
        requested = [each for group in self._groups(names) for each in group]
        with self._client.pipeline(transaction=True) as pipe:
            answers = self._ask(pipe, requested)
        copies = list(_copies(requested, answers))
        if None in copies:
            return None
        seconds, microseconds = answers[0]
        self.moment = int(seconds) * 1_000_000 + int(microseconds)
        return cast("list[KeyCopy]", copies)

    def _groups(self, names: Iterable[str]) -> Iterator[list[tuple[str, str]]]:
        """The keys with their types, in groups that take little memory."""
        names = list(names)
        for start in range(0, len(names), _GROUP_KEYS):
            part = names[start : start + _GROUP_KEYS]
            with self._client.pipeline(transaction=False) as pipe:
                for name in part:
                    pipe.type(name)
                    pipe.memory_usage(name)
                answers = pipe.execute()
            group: list[tuple[str, str]] = []
            size = 0
            for name, type_, used in zip(part, answers[::2], answers[1::2], strict=True):
                if type_ not in _READS:
                    raise SnapshotError(f"the key {name} is of the type {type_}, which Pippin does not use")
                if group and size + (used or 0) > _GROUP_BYTES:
                    yield group
                    group, size = [], 0
                group.append((name, type_))
                size += used or 0
            yield group

    @staticmethod
    def _ask(pipe: Any, names: Iterable[tuple[str, str]]) -> list[Any]:  # noqa: ANN401 - redis-py's are untyped
        pipe.time()
        for name, type_ in names:
            pipe.type(name)
            pipe.pttl(name)
            _READS[type_](pipe, name)
        answers: list[Any] = pipe.execute(raise_on_error=False)
        return answers


def exact_client(url: str) -> Client:
    """A client that preserves bytes that are not UTF-8, as lone surrogates."""
    client = Client.from_url(
        url,
        decode_responses=True,
        encoding_errors="surrogateescape",
        protocol=2,
        # The reply to a health-check PING would be mistaken for a report of changes.
        health_check_interval=0,
        socket_timeout=6 * SOCKET_TIMEOUT,
        socket_connect_timeout=SOCKET_TIMEOUT,
    )
    return cast("Client", client)


class _Changes:
    """The keys that change from now on, with two connections: one requests the reports, the other receives them."""

    def __init__(self, client: Client) -> None:
        self._listener = client.connection_pool.make_connection()
        self._tracker = client.connection_pool.make_connection()

    def __enter__(self) -> Self:
        try:
            listener = self._call(self._listener, "CLIENT", "ID")
            self._call(self._listener, "SUBSCRIBE", _CHANNEL)
            prefix = keys.ALL_KEYS.removesuffix("*")
            self._call(self._tracker, "CLIENT", "TRACKING", "ON", "REDIRECT", str(listener), "BCAST", "PREFIX", prefix)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for connection in (self._listener, self._tracker):
            connection.disconnect()  # type: ignore[no-untyped-call] # redis-py does not annotate it

    def take(self) -> set[str]:
        """The keys of records changed since the last call, by all commands that Redis has replied to."""
        # The reports end with the tracker's connection. A broken one raises here and is not reopened.
        self._call(self._tracker, "PING")
        # Redis sends the reports of one round of its event loop before it reads the commands of the next round.
        mark = secrets.token_hex(8)
        changed: set[str] = set()
        answer = self._call(self._listener, "PING", mark)
        while answer != ["pong", mark]:
            match answer:
                case ["message", _, list(names)]:
                    changed.update(name for name in names if keys.is_record(name))
                case ["message", _, None]:
                    raise SnapshotError("Redis was emptied while its records were copied")
            with reaching():
                answer = self._listener.read_response()
        return changed

    @staticmethod
    def _call(connection: Any, *command: str) -> Any:  # noqa: ANN401 - redis-py's answers are untyped
        with reaching():
            connection.send_command(*command, check_health=False)
            return connection.read_response()


def _copies(names: Iterable[tuple[str, str]], answers: list[Any]) -> Iterator[KeyCopy | None]:
    """The copies in the replies; None for a key that had another type by then."""
    seconds, microseconds = answers[0]
    now = int(seconds) * 1000 + int(microseconds) // 1000
    position = 1
    for name, type_ in names:
        count = 4 if type_ == "stream" else 3
        present, ttl, *value = answers[position : position + count]
        position += count
        if present != type_ or any(isinstance(each, RedisError) for each in value):
            yield None
        else:
            yield KeyCopy(name, type_, _VALUES[type_](value), now + ttl if ttl >= 0 else None)


def _read_stream(pipe: Any, name: str) -> None:  # noqa: ANN401 - redis-py's pipelines are untyped
    pipe.xinfo_stream(name)
    pipe.xrange(name)


_READS: dict[str, Any] = {
    "none": lambda pipe, name: pipe.get(name),
    "string": lambda pipe, name: pipe.get(name),
    "hash": lambda pipe, name: pipe.hgetall(name),
    "list": lambda pipe, name: pipe.lrange(name, 0, -1),
    "set": lambda pipe, name: pipe.smembers(name),
    "zset": lambda pipe, name: pipe.zrange(name, 0, -1, withscores=True),
    "stream": _read_stream,
}
_VALUES: dict[str, Any] = {
    "none": lambda _: None,
    "string": lambda answers: answers[0],
    "hash": lambda answers: answers[0],
    "list": lambda answers: answers[0],
    "set": lambda answers: sorted(answers[0]),
    "zset": lambda answers: [list(pair) for pair in answers[0]],
    "stream": lambda answers: [
        answers[0]["last-generated-id"],
        [[entry, [text for pair in fields.items() for text in pair]] for entry, fields in answers[1]],
    ],
}
