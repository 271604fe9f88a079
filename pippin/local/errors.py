"""Why nothing was started."""

from pippin.errors import PippinError


class SupervisorError(PippinError):
    """`pippin up` cannot start here; nothing was started."""
