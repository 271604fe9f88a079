"""Redis: whether it answers, whether it keeps what it is given, and whether its clock agrees with ours."""

import ipaddress
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from pippin.cli.doctor.finding import Finding, fault, ok, warning
from pippin.cli.doctor.secrecy import shown
from pippin.store import Client, Store, StoreUnavailable, connect

_UNSET = "PIPPIN_REDIS_URL is not set"
_SKEW_WARNING = 5.0
_SKEW_FAULT = 60.0
_PROVIDER = "in its configuration, or ask who runs it"


def check_redis(url: str | None, now: Callable[[], float] = time.time) -> list[Finding]:
    """All that can be said of the server: the first finding whether it can be reached, the rest only if it can.

    Args:
        url: Its address; None if there is none.
        now: This machine's clock, in seconds since 1970.
    """
    if url is None:
        advice = "A worker alone needs it: the address of the Redis that the service uses. `pippin up` runs its own."
        return [warning("redis", _UNSET, advice)]
    client = connect(url, retries=0)
    try:
        found = _reach(client, url)
        return [found, *_kept(client), *_complete(client), _clock(client, now)]
    except (StoreUnavailable, RedisError, OSError) as error:
        return [fault("redis", f"{shown(url)}: {error}", _advice(error, url))]
    finally:
        client.close()


def _reach(client: Any, url: str) -> Finding:  # noqa: ANN401 - redis-py's answers are untyped
    client.ping()
    parts = urlsplit(url)
    found = f"{_version(client)} at {shown(url)}{', over TLS' if parts.scheme == 'rediss' else ''}"
    if parts.scheme == "redis" and not _is_here(parts.hostname):
        return warning(
            "redis",
            f"{found}, without TLS",
            "The password and every job cross the network readable: use a rediss:// address or an SSH tunnel "
            "(docs/remote-workers.md).",
        )
    return ok("redis", found)


def _version(client: Any) -> str:  # noqa: ANN401 - redis-py's answers are untyped
    try:
        server = client.info("server")
    except NoPermissionError:
        return "a server that does not tell its version"
    if server.get("server_name") == "valkey":
        return f"Valkey {server['valkey_version']}"
    return f"Redis {server['redis_version']}"


def _kept(client: Any) -> list[Finding]:  # noqa: ANN401 - redis-py's answers are untyped
    """Whether jobs survive a restart of the server, and its memory being full."""
    try:
        appends = client.info("persistence").get("aof_enabled")
        policy = client.info("memory").get("maxmemory_policy")
    except NoPermissionError as error:
        advice = "Nothing, if who runs it says that appendonly is yes and maxmemory-policy is noeviction."
        return [warning("redis data", f"how it keeps data cannot be read: {error}", advice)]
    if policy not in {None, "noeviction"}:
        advice = f"Jobs would vanish when its memory is full: set maxmemory-policy noeviction {_PROVIDER}."
        return [fault("redis data", f"maxmemory-policy is {policy}", advice)]
    if not appends:
        advice = f"Jobs would be lost when it is started again: set appendonly yes {_PROVIDER}."
        return [warning("redis data", "it appends to no file", advice)]
    return [ok("redis data", "kept in an append-only file, nothing is evicted")]


def _complete(client: Client) -> list[Finding]:
    """Whether jobs have succeeded without the metrics of some of their epochs; nothing to say where none has."""
    try:
        missing = Store(client).overviews.missing_epochs()
    except NoPermissionError:
        return []  # a worker's user
    if not missing:
        return []
    jobs = "1 job has succeeded" if missing == 1 else f"{missing:,} jobs have succeeded"
    return [
        warning(
            "metrics",
            f"{jobs} without the metrics of some epochs",
            "Redis was restored from an older copy while they trained; missing_epochs of GET /jobs tells which. Their "
            "models are complete.",
        )
    ]


def _clock(client: Any, now: Callable[[], float]) -> Finding:  # noqa: ANN401 - redis-py's answers are untyped
    before = now()
    seconds, micros = cast("tuple[int, int]", client.time())
    after = now()
    # The answer was made somewhere between the two, so half the way is no skew.
    skew = (before + after) / 2 - (seconds + micros / 1e6)
    off = max(0.0, abs(skew) - (after - before) / 2)
    found = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} that of Redis"
    advice = "Set this clock by the network: System Settings, General, Date & Time; on Linux, timedatectl set-ntp true."
    if off > _SKEW_FAULT:
        return fault("clock", found, f"TLS and signed addresses would be refused. {advice}")
    if off > _SKEW_WARNING:
        return warning("clock", found, f"Times in logs and in `pippin workers` mislead. {advice}")
    return ok("clock", found)


def _advice(error: Exception, url: str) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, AuthenticationError) or "NOAUTH" in str(error):
        return "The password or the user in PIPPIN_REDIS_URL is wrong; take it from who runs the server."
    if "CERTIFICATE" in str(error).upper():
        return (
            "The server's certificate is not trusted here: add ?ssl_ca_certs=/path/ca.pem to PIPPIN_REDIS_URL, and use "
            "the name that the certificate is for."
        )
    if "SSL" in str(error).upper():
        return "The server speaks no TLS at that port: use its TLS port, or redis:// through an SSH tunnel."
    if urlsplit(url).scheme == "unix":
        return "See that the server runs and that this user may open its socket."
    other = "without TLS needs redis://" if urlsplit(url).scheme == "rediss" else "with TLS needs rediss://"
    return (
        "See that the server runs, that PIPPIN_REDIS_URL has its host and port, and that the tunnel is up and no "
        f"firewall stands between (docs/remote-workers.md). A server {other}."
    )


def _is_here(host: str | None) -> bool:
    if host is None or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
