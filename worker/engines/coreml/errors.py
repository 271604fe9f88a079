"""Converts errors of Apple's frameworks to `EngineError`."""

from typing import Any

import CoreML

from pippin.api.states import Reason
from worker.engines.engine import EngineError

# Error code -> meaning for the user.
_HINTS = {
    CoreML.MLModelErrorIO: "it could not read or write a file",
    CoreML.MLModelErrorUpdate: "it cannot train this model, or not with these examples",
    CoreML.MLModelErrorParameters: "the model does not declare a hyperparameter, or not with this value",
}


def failed(doing: str, error: Any) -> EngineError:  # noqa: ANN401 - an NSError, which has no type in Python
    """The error of a failed call.

    Args:
        doing: The attempted action, as in "could not ...".
        error: The `NSError`; None if Apple's call returned none.
    """
    if error is None:
        return EngineError(Reason.ENGINE_ERROR, f"Core ML could not {doing} and gives no reason")
    domain, code = str(error.domain()), int(error.code())
    hint = _HINTS.get(code) if domain == CoreML.MLModelErrorDomain else None
    description = str(error.localizedDescription()).rstrip(".")
    return EngineError(
        Reason.ENGINE_ERROR, f"Core ML could not {doing}: {description} ({domain} {code}){f'; {hint}' if hint else ''}"
    )


def checked(returned: tuple[Any, Any], doing: str) -> Any:  # noqa: ANN401 - the result has any type
    """Return the result of a call for which PyObjC returns (result, error).

    Raises:
        EngineError: The call has no result.
    """
    result, error = returned
    # `writeToURL` and similar calls return a truth value, other calls an object or None.
    if result is None or result is False:
        raise failed(doing, error)
    return result
