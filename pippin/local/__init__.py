"""`pippin up`: the embedded server, the service and the workers as children of one foreground process."""

from pippin.local.errors import SupervisorError
from pippin.local.up import Ready, up

__all__ = ["Ready", "SupervisorError", "up"]
