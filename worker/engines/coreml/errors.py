"""What Apple's frameworks report, said as an `EngineError`."""

from typing import Any

import CoreML

from pippin.api.states import Reason
from worker.engines.engine import EngineError

# What these mean to a person.
_HINTS = {
    CoreML.MLModelErrorIO: "it could not read or write a file",
    CoreML.MLModelErrorUpdate: "it cannot train this model, or not with these examples",
    CoreML.MLModelErrorParameters: "the model does not declare a hyperparameter, or not with this value",
}


def failed(doing: str, error: Any) -> EngineError:  # noqa: ANN401 - an NSError, which has no type in Python
    """The error of a step that failed.

    Args:
        doing: What was tried, as in "could not ...".
        error: The `NSError`; None where Apple gave none.
    """
    if error is None:
        return EngineError(Reason.ENGINE_ERROR, f"Core ML could not {doing}, and does not say why")
    domain, code = str(error.domain()), int(error.code())
    hint = _HINTS.get(code) if domain == CoreML.MLModelErrorDomain else None
    description = str(error.localizedDescription()).rstrip(".")
    return EngineError(
        Reason.ENGINE_ERROR, f"Core ML could not {doing}: {description} ({domain} {code}){f'; {hint}' if hint else ''}"
    )


def checked(answer: tuple[Any, Any], doing: str) -> Any:  # noqa: ANN401 - whatever the call made
    """The result of a call that PyObjC answers with (result, error).

    Raises:
        EngineError: There is no result.
    """
    result, error = answer
    # `writeToURL` and its like answer with a truth value, the others with an object or nothing.
    if result is None or result is False:
        raise failed(doing, error)
    return result
