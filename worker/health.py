"""`python -m worker.health`: a container's health check of the worker on this host.

Exit codes: 0 a worker of this host sent a heartbeat in the last 30 s, 1 none did, or Redis cannot be queried.
"""

import socket
import sys

from pippin.errors import PippinError
from pippin.settings import Settings
from pippin.store import Store, connect
from pippin.system.terminal import printable_lines


def main() -> int:
    """Query Redis and return the exit code."""
    host = socket.gethostname()
    try:
        settings = Settings()
        if settings.redis_url is None:
            return _print_error("PIPPIN_REDIS_URL is not set")
        alive = Store(connect(settings.redis_url.get_secret_value())).workers.alive()
    except PippinError as error:
        return _print_error(str(error))
    if any(worker.host == host for worker in alive):
        return 0
    return _print_error(f"no worker on {host} has sent a heartbeat in the last 30 s")


def _print_error(sentence: str) -> int:
    print(printable_lines(sentence), file=sys.stderr)  # noqa: T201 - the container engine shows this output
    return 1


if __name__ == "__main__":
    sys.exit(main())
