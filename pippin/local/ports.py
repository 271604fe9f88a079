"""Which port the service will listen on."""

import errno
import socket

from pippin.local.errors import SupervisorError

_REASONS = {
    errno.EADDRINUSE: "it is in use. Stop what listens there, or take another with --port (0 takes a free one).",
    errno.EACCES: "this user may not listen there. Take one above 1023 with --port (0 takes a free one).",
    errno.EADDRNOTAVAIL: "this machine does not have that address. --host 127.0.0.1 is always there.",
}


def usable(host: str, port: int) -> int:
    """`port`, if it can be listened on; a free one for 0.

    Raises:
        SupervisorError: It cannot.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            # As the service will do: what a former one left in TIME_WAIT does not count.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            return int(probe.getsockname()[1])
    except OSError as error:
        reason = _REASONS.get(error.errno or 0, f"{error.strerror}. --host 127.0.0.1 is always there.")
        raise SupervisorError(f"Port {port} of {host} cannot be used: {reason}") from error
