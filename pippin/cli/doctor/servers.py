"""Checks of Redis (connection, persistence, clock) and of the service."""

import ipaddress
import time
from collections.abc import Callable
from typing import Any, cast
from urllib.parse import urlsplit

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from pippin.cli.doctor.findings import Finding, fault, ok, redacted_url, warning
from pippin.client import Client, ServiceError, ServiceUnreachable
from pippin.http.token_file import TokenFileError
from pippin.store import Client as RedisClient
from pippin.store import Store, StoreUnavailable, connect

_UNSET = "PIPPIN_REDIS_URL is not set"
_SKEW_WARNING_SECONDS = 5.0
_SKEW_FAULT_SECONDS = 60.0
_WHERE_TO_CONFIGURE = "in its configuration, or ask its administrator"


def check_redis(url: str | None, now: Callable[[], float] = time.time) -> list[Finding]:
    """The findings about the Redis server; if it cannot be reached, that is the only finding.

    Args:
        url: The server's address; None if it is not set.
        now: This machine's clock, in seconds since 1970.
    """
    if url is None:
        advice = (
            "Only a separate worker needs it: the address of the Redis that the service uses. `pippin up` runs its "
            "own Redis."
        )
        return [warning("redis", _UNSET, advice)]
    client = connect(url, retries=0)
    try:
        connection = _connection(client, url)
        return [connection, *_persistence(client), *_missing_metrics(client), _clock(client, now)]
    except (StoreUnavailable, RedisError, OSError) as error:
        return [fault("redis", f"{redacted_url(url)}: {error}", _advice(error, url))]
    finally:
        client.close()


def _connection(client: Any, url: str) -> Finding:  # noqa: ANN401 - redis-py's answers are untyped
    client.ping()
    parts = urlsplit(url)
    server = f"{_version(client)} at {redacted_url(url)}{', over TLS' if parts.scheme == 'rediss' else ''}"
    if parts.scheme == "redis" and not _is_local(parts.hostname):
        return warning(
            "redis",
            f"{server}, without TLS",
            "The password and every job are sent unencrypted: use a rediss:// address or an SSH tunnel "
            "(docs/remote-workers.md).",
        )
    return ok("redis", server)


def _version(client: Any) -> str:  # noqa: ANN401 - redis-py's answers are untyped
    try:
        server = client.info("server")
    except NoPermissionError:
        return "a server of unknown version"
    if server.get("server_name") == "valkey":
        return f"Valkey {server['valkey_version']}"
    return f"Redis {server['redis_version']}"


def _persistence(client: Any) -> list[Finding]:  # noqa: ANN401 - redis-py's answers are untyped
    """Check that jobs survive a restart of the server and a full memory."""
    try:
        appends = client.info("persistence").get("aof_enabled")
        policy = client.info("memory").get("maxmemory_policy")
    except NoPermissionError as error:
        advice = (
            "Ask its administrator whether appendonly is yes and maxmemory-policy is noeviction; if so, nothing needs "
            "to be done."
        )
        return [warning("redis data", f"its persistence settings cannot be read: {error}", advice)]
    if policy not in {None, "noeviction"}:
        advice = f"Jobs are lost when its memory is full: set maxmemory-policy noeviction {_WHERE_TO_CONFIGURE}."
        return [fault("redis data", f"maxmemory-policy is {policy}", advice)]
    if not appends:
        advice = f"Jobs are lost when it restarts: set appendonly yes {_WHERE_TO_CONFIGURE}."
        return [warning("redis data", "appendonly is off", advice)]
    return [ok("redis data", "stored in an append-only file; nothing is evicted")]


def _missing_metrics(client: RedisClient) -> list[Finding]:
    """Report jobs that have succeeded without the metrics of some epochs; no finding if there are none."""
    try:
        missing = Store(client).overviews.missing_epochs()
    except NoPermissionError:
        return []  # the Redis user of workers may not read this
    if not missing:
        return []
    jobs = "1 job has succeeded" if missing == 1 else f"{missing:,} jobs have succeeded"
    return [
        warning(
            "metrics",
            f"{jobs} without the metrics of some epochs",
            "Redis was restored from an older copy while they trained; see missing_epochs in GET /jobs. Their models "
            "are complete.",
        )
    ]


def _clock(client: Any, now: Callable[[], float]) -> Finding:  # noqa: ANN401 - redis-py's answers are untyped
    before = now()
    seconds, micros = cast("tuple[int, int]", client.time())
    after = now()
    # Redis read its clock between `before` and `after`: a difference of up to half the round trip is not a skew.
    skew = (before + after) / 2 - (seconds + micros / 1e6)
    excess_skew = max(0.0, abs(skew) - (after - before) / 2)
    skew_text = f"{abs(skew):.1f} s {'ahead of' if skew > 0 else 'behind'} that of Redis"
    advice = "Synchronize this clock: System Settings, General, Date & Time; on Linux, timedatectl set-ntp true."
    if excess_skew > _SKEW_FAULT_SECONDS:
        return fault("clock", skew_text, f"Servers will refuse TLS connections and signed URLs. {advice}")
    if excess_skew > _SKEW_WARNING_SECONDS:
        return warning("clock", skew_text, f"Times in logs and in `pippin workers` are wrong. {advice}")
    return ok("clock", skew_text)


def _advice(error: Exception, url: str) -> str:
    cause = error.__cause__ or error
    if isinstance(cause, AuthenticationError) or "NOAUTH" in str(error):
        return "The password or the user in PIPPIN_REDIS_URL is wrong; ask the server's administrator for it."
    if "CERTIFICATE" in str(error).upper():
        return (
            "The server's certificate is not trusted here: add ?ssl_ca_certs=/path/ca.pem to PIPPIN_REDIS_URL, and "
            "use the host name of the certificate."
        )
    if "SSL" in str(error).upper():
        return "The server does not use TLS on that port: use its TLS port, or redis:// through an SSH tunnel."
    if urlsplit(url).scheme == "unix":
        return "Check that the server runs and that this user may open its socket."
    other = "without TLS requires redis://" if urlsplit(url).scheme == "rediss" else "with TLS requires rediss://"
    return (
        "Check that the server runs, that PIPPIN_REDIS_URL has its host and port, and that the tunnel is up and no "
        f"firewall blocks the connection (docs/remote-workers.md). A server {other}."
    )


def _is_local(host: str | None) -> bool:
    if host is None or host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


_UNAVAILABLE = 503
_UNAUTHORIZED = frozenset({401, 403})


def check_service(url: str, *, named: bool) -> Finding:
    """Check that the service responds, and reaches Redis and the blob store.

    Args:
        url: The service's address.
        named: Whether PIPPIN_URL is set; only then is an absent service a fault, since a worker needs no service.
    """
    where = redacted_url(url)
    try:
        with Client(url, patience=0) as client:
            if client.is_ready():
                return ok("service", f"{where} is ready")
            # The error of this call states why the service is not ready, and shows whether the server is Pippin at all.
            client.workers()
    except ServiceUnreachable as error:
        if named:
            advice = "Check that the service runs and that PIPPIN_URL has its host and port."
            return fault("service", str(error), advice)
        advice = "Set PIPPIN_URL to the service's address; `pippin up` starts one here."
        return warning("service", f"PIPPIN_URL is not set, and no service runs at {where}", advice)
    except TokenFileError as error:
        return fault("service", str(error), "Correct PIPPIN_TOKEN_FILE (docs/security.md).")
    except ServiceError as error:
        if error.status in _UNAUTHORIZED:
            # Workers are requested only from a service that is not ready.
            return fault("service", f"{where} responds, but is not ready", f"See `curl {where}/readyz` and its log.")
        if error.status != _UNAVAILABLE:
            advice = "Set PIPPIN_URL to the address of Pippin's service, without a path."
            return fault("service", f"{where} responds, but is not a Pippin service: {error}", advice)
        why = f": {error.detail}" if error.detail else ""
    else:
        why = ": its blobs cannot be reached"
    return fault("service", f"{where} responds, but is not ready{why}", f"See `curl {where}/readyz` and its log.")
