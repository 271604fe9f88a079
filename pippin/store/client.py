"""The connection to Redis or Valkey."""

import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256
from importlib.resources import files
from typing import Any, TypeVar, cast

import redis
from redis.backoff import ExponentialWithJitterBackoff
from redis.client import Pipeline
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoPermissionError, OutOfMemoryError, ReadOnlyError, WatchError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from pippin.store.errors import StoreUnavailable
from pippin.system.logs import without_addresses

# A blocking command must end well within this time, after which redis-py 8.1 sends the command again: XREAD with
# BLOCK 8000 hung for 59 s.
SOCKET_TIMEOUT = 5.0


@contextmanager
def reaching() -> Iterator[None]:
    """Convert connection and server errors into StoreUnavailable."""
    try:
        yield
    except RedisTimeoutError as error:
        raise StoreUnavailable("Redis did not answer in time") from error
    except RedisConnectionError as error:
        raise StoreUnavailable(f"Redis cannot be reached: {_reason(error)}") from error
    except OutOfMemoryError as error:
        raise StoreUnavailable("Redis has reached its maxmemory and refuses writes") from error
    except NoPermissionError as error:
        if "script|load" not in str(error):
            raise
        raise StoreUnavailable(
            "Redis does not have the scripts of this version of Pippin, and this user may not load them: start the "
            "service in the same version, which loads them"
        ) from error
    except ReadOnlyError as error:
        raise StoreUnavailable("this Redis is a replica and refuses writes") from error


def _reason(error: RedisConnectionError) -> str:
    """The cause of a connection error without the server's address, which clients must not see."""
    cause = error.__cause__ or error.__context__
    if isinstance(cause, ssl.SSLCertVerificationError):
        return without_addresses(f"certificate verify failed: {cause.verify_message}")
    if isinstance(cause, ssl.SSLError):
        return f"SSL: {cause.reason or 'the handshake failed'}"
    if isinstance(cause, OSError) and cause.strerror:
        return cause.strerror
    return without_addresses(str(error))


# redis-py does not annotate the overridden methods: hence Any, and the ignored calls.
class _Transaction(Pipeline):
    def execute(self, raise_on_error: bool = True) -> list[Any]:
        with reaching():
            return super().execute(raise_on_error)

    def immediate_execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        with reaching():
            return super().immediate_execute_command(*args, **options)  # type: ignore[no-untyped-call]


class Client(redis.Redis):
    """A Redis client that raises StoreUnavailable for connection and server errors."""

    def execute_command(self, *args: Any, **options: Any) -> Any:  # noqa: ANN401
        """Send a command and return its reply."""
        with reaching():
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> Pipeline:
        """A pipeline of commands, sent as one MULTI unless `transaction` is false."""
        return _Transaction(self.connection_pool, self.response_callbacks, transaction, shard_hint)


def connect(url: str, *, retries: int = 3) -> Client:
    """A client for the server at `url`. Nothing is sent yet.

    Args:
        url: redis://, rediss:// or unix:// address, password included.
        retries: How often a command is sent again after a timeout or a broken connection. A script may therefore run
            twice for one call, so all scripts here are safe to repeat.
    """
    client = Client.from_url(
        url,
        decode_responses=True,
        socket_timeout=SOCKET_TIMEOUT,
        socket_connect_timeout=SOCKET_TIMEOUT,
        health_check_interval=15,
        retry=Retry(ExponentialWithJitterBackoff(base=0.05, cap=0.5), retries),
    )
    return cast("Client", client)


_T = TypeVar("_T")

# Ten concurrent writers cause about ten retries; a hundred failed tries mean that the connection keeps breaking.
_TRIES = 100


def watching(client: Client, watched: list[str], body: Callable[[Pipeline], _T]) -> _T:
    """Run `body` until no watched key changes between its reads and its EXEC.

    A connection that breaks during EXEC counts as a change too, although the writes may have been made: `body` must
    recognise its own writes when it runs again.

    Args:
        client: The client to run it with.
        watched: The keys that `body` reads to decide.
        body: Reads through the pipeline, calls `multi`, queues its writes, calls `execute`.

    Raises:
        StoreUnavailable: A watched key changed in every try.
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
    """Fields of a hash, read at once under WATCH; an absent field reads as ""."""
    # Under WATCH a pipeline returns the reply at once; redis-py's type does not say so.
    values: list[str | None] = pipe.execute_command("HMGET", key, *fields)  # type: ignore[no-untyped-call]
    return [value or "" for value in values]


WORKER_USER = "worker"


def worker_user(password: str) -> str:
    """The line of a server's configuration or ACL file that defines the user; it holds the password's hash."""
    rules = (files("pippin.store") / "worker.acl").read_text().strip()
    return f"{rules} #{sha256(password.encode()).hexdigest()}"
