"""The NSErrors of Core ML."""

from typing import Any

from apple_standin.knobs import fails
from apple_standin.names import declared
from apple_standin.objects import NSError

DOMAIN = "com.apple.CoreML"


class CoreMLError(Exception):
    """Inside the stand-in: becomes an NSError at the border. `kind` is the enum's name without MLModelError."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind, self.message = kind, message

    def ns_error(self) -> Any:
        return NSError._made(
            domain=DOMAIN, code=declared()["enums"][f"MLModelError{self.kind}"], message=self.message, info={}
        )


def fail_if_asked(step: str, kind: str) -> None:
    """Raises a `CoreMLError` of this kind where the knob FAIL names the step."""
    if fails(step):
        raise CoreMLError(kind, f"the stand-in was asked to fail: {step}")
