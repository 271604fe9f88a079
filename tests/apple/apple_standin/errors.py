"""The NSErrors of Core ML."""

from collections.abc import Callable
from functools import wraps
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


def reporting_errors(failed: object = None) -> Callable[[Callable[..., Any]], Callable[..., tuple[Any, Any]]]:
    """The method returns its result and no error, or after a `CoreMLError` `failed` and the error."""

    def decorate(function: Callable[..., Any]) -> Callable[..., tuple[Any, Any]]:
        @wraps(function)
        def reporting(*arguments: Any) -> tuple[Any, Any]:
            try:
                return function(*arguments), None
            except CoreMLError as refused:
                return failed, refused.ns_error()

        return reporting

    return decorate


def fail_if_asked(step: str, kind: str) -> None:
    """Raises a `CoreMLError` of this kind where the knob FAIL names the step."""
    if fails(step):
        raise CoreMLError(kind, f"the stand-in was asked to fail: {step}")
