"""Limits the number of connections, and closes idle connections in favour of new ones."""

import json
import resource
import time
from collections import Counter
from collections.abc import Callable
from ipaddress import IPv6Address, ip_address
from typing import Protocol

import structlog

from pippin.settings import Settings
from service.problems import KINDS, MEDIA_TYPE
from service.telemetry.meters import CloseReason, Meters

# Descriptors for other purposes: Redis, open blobs, uploaded files, the sandbox. An idle service has 40.
_OTHER_FILES = 256
# One address may hold this share of all connections at most, so that it cannot lock out the others.
_SHARE_OF_AN_ADDRESS = 0.75
# Of an IPv6 address, these bits name the network of one customer (RFC 6177).
_IPV6_CUSTOMER_BITS = 64
_LOG_SECONDS = 1.0

_log = structlog.stdlib.get_logger(__name__)


class LimitedConnection(Protocol):
    """A connection that `ConnectionLimits` counts."""

    client: tuple[str, int] | None

    def abort(self, reason: CloseReason) -> None:
        """Close the connection."""


class ConnectionLimits:
    """Admits connections up to a number, in total and by client address.

    At the limit, the connection that has waited longest for a request is closed in favour of the new one. A new
    connection is refused only when all others are in the middle of a request, so idle connections keep no client out.

    Args:
        settings: The limits.
        meter: Where connections are counted.

    Attributes:
        max_connections: The most connections, below the limit of descriptors.
        max_by_address: The most connections of one client address.
        head_seconds: How long the head of a request may take to arrive.
        body_seconds: The interval at which the progress of a body is checked.
        least_body_bytes: How many bytes of a body must arrive in each interval.
    """

    def __init__(self, settings: Settings, meter: Meters) -> None:
        self.max_connections = min(settings.max_connections, _descriptors(settings.max_connections))
        self.max_by_address = min(
            settings.max_connections_by_address, int(self.max_connections * _SHARE_OF_AN_ADDRESS) or 1
        )
        self.head_seconds = settings.head_timeout_seconds
        self.body_seconds = settings.body_timeout_seconds
        self.least_body_bytes = settings.min_body_bytes_per_second * settings.body_timeout_seconds
        self._proxies = frozenset(settings.proxy_addresses)
        self._meter = meter
        self._warn = throttled(_log.warning, _LOG_SECONDS)
        self._open: dict[LimitedConnection, str] = {}
        self._by_address: Counter[str] = Counter()
        # Idle connections, in the order in which they became idle.
        self._idle: dict[LimitedConnection, None] = {}

    def open(self, connection: LimitedConnection) -> CloseReason | None:
        """Admit a new connection, for which another may be closed.

        Returns:
            Why it was not admitted; None when it was.
        """
        address = _network(connection.client)
        refused = self._close_an_idle_connection(address)
        if refused is not None:
            self._warn("too many connections; refusing or closing connections", limit=refused, address=address)
            return refused
        self._open[connection] = address
        self._by_address[address] += 1
        self._idle[connection] = None
        self._meter.connections_open(len(self._open))
        return None

    def became_idle(self, connection: LimitedConnection) -> None:
        """Record that the connection waits for a request."""
        if connection in self._open:
            self._idle[connection] = None

    def became_busy(self, connection: LimitedConnection) -> None:
        """Record that the head of a request has arrived."""
        self._idle.pop(connection, None)

    def closed(self, connection: LimitedConnection) -> None:
        """Remove a connection that is closed or about to be; one that was not admitted is ignored."""
        address = self._open.pop(connection, None)
        if address is None:
            return
        self._idle.pop(connection, None)
        self._by_address[address] -= 1
        if not self._by_address[address]:
            del self._by_address[address]
        self._meter.connections_open(len(self._open))

    def count(self, reason: CloseReason) -> None:
        """Count a connection that the service has closed."""
        self._meter.connection_closed(reason)

    def _close_an_idle_connection(self, address: str) -> CloseReason | None:
        if address not in self._proxies and self._by_address[address] >= self.max_by_address:
            return None if self._close_idle(address) else "address"
        if len(self._open) >= self.max_connections:
            return None if self._close_idle() else "total"
        return None

    def _close_idle(self, address: str | None = None) -> bool:
        """Close the connection, of this address if one is given, that has been idle for the longest time."""
        for connection in self._idle:
            if address is None or self._open[connection] == address:
                self.closed(connection)
                connection.abort("gave_way")
                return True
        return False


def throttled(log: Callable[..., object], seconds: float) -> Callable[..., None]:
    """`log`, called at most once in `seconds`, with the number of calls that were left out since."""
    last, left_out = -seconds, 0

    def call(event: str, **values: object) -> None:
        nonlocal last, left_out
        now = time.monotonic()
        if now - last < seconds:
            left_out += 1
            return
        log(event, **values, left_out=left_out)
        last, left_out = now, 0

    return call


def answer_of(reason: CloseReason) -> bytes:
    """The whole answer to a client whose connection is closed for this reason; empty for a client without a request."""
    match reason:
        case "total" | "address":
            kind, detail = "unavailable", "The service has too many connections."
        case "head_timeout" | "body_timeout":
            kind, detail = "request-timeout", "The request did not arrive in time."
        case "gave_way":
            return b""
    status, title = KINDS[kind].status, KINDS[kind].title
    document = {"type": f"/problems/{kind}", "title": title, "status": status, "detail": detail, "instance": ""}
    body = json.dumps(document).encode()
    head = (
        f"HTTP/1.1 {status} {title}\r\ncontent-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\n"
        "retry-after: 5\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body


def _network(client: tuple[str, int] | None) -> str:
    """The address by which a client's connections are counted; for IPv6, the network of the customer."""
    if client is None:
        return ""
    try:
        address = ip_address(client[0].partition("%")[0])
    except ValueError:
        return client[0]
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    bits = 128 - _IPV6_CUSTOMER_BITS
    return str(IPv6Address(int(address) >> bits << bits))


def _descriptors(count: int) -> int:
    """How many connections the limit of open files allows; the limit is raised for `count` connections if possible."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return count
    needed = count + _OTHER_FILES
    if soft < needed:
        raised = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (raised, hard))
        soft = raised
    # Of a low limit, the larger part is needed for the work that connections cause.
    return max(soft - _OTHER_FILES, soft // 4)
