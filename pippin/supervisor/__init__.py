"""`pippin up`: the embedded server, the service and the workers as children of one foreground process."""

from pippin.supervisor.errors import SupervisorError
from pippin.supervisor.up import Ready, up

__all__ = ["Ready", "SupervisorError", "up"]
