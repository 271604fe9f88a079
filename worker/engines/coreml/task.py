"""Makes Core ML's update task, by whichever of its constructors works through PyObjC."""

from collections.abc import Callable
from typing import Any

import objc
from CoreML import MLUpdateTask

from worker.engines.coreml.errors import checked

_DOING = "set up the training"
_SELECTOR = b"updateTaskForModelAtURL:trainingData:configuration:progressHandlers:error:"
# PyObjC 12.2.2 describes the handlers, argument 5, as a function, which they are not.
_CORRECTED = {"arguments": {6: {"type_modifier": b"o"}}}
# What PyObjC raises on a value that does not fit its description of an argument.
_REFUSALS = (TypeError, ValueError, objc.error)


def make_task(
    url: Any,  # noqa: ANN401 - this and the next three are Apple's objects
    examples: Any,  # noqa: ANN401
    configuration: Any,  # noqa: ANN401
    handlers: Any,  # noqa: ANN401
    log: Callable[[str], None],
) -> tuple[Any, bool]:
    """An `MLUpdateTask`, not yet begun, and whether it heeds the configuration.

    Args:
        url: Of the compiled model, whose own defaults must be the run's hyperparameters: the last of the constructors
            takes no configuration.
        examples: An `MLBatchProvider`.
        configuration: An `MLModelConfiguration`.
        handlers: `MLUpdateProgressHandlers`.
        log: Takes a line where not all could be done as asked.

    Raises:
        EngineError: Core ML refuses the model, the data or a hyperparameter.
    """
    for corrected in (False, True):
        if corrected:
            objc.registerMetaDataForSelector(b"MLUpdateTask", _SELECTOR, _CORRECTED)
        try:
            made = MLUpdateTask.updateTaskForModelAtURL_trainingData_configuration_progressHandlers_error_(
                url, examples, configuration, handlers, None
            )
        except _REFUSALS:
            continue
        return checked(made, _DOING), True
    log("PyObjC cannot hand a configuration to Core ML, which chooses the compute units itself")
    made = MLUpdateTask.updateTaskForModelAtURL_trainingData_progressHandlers_error_(url, examples, handlers, None)
    return checked(made, _DOING), False
