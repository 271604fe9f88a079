"""Why nothing was started."""

from pippin.faults import PippinError


class SupervisorError(PippinError):
    """`pippin up` cannot start here; nothing was started."""
