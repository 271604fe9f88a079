"""A compiled model on disk, and the update task that trains it."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import objc
from CoreML import MLModel, MLUpdateTask
from Foundation import NSURL

from worker.engines.coreml.errors import checked


@contextmanager
def compiled(model: bytes) -> Iterator[Any]:
    """The URL of the compiled model, which is deleted at the end of the `with` block.

    Raises:
        EngineError: Core ML cannot compile the model.
    """
    with tempfile.TemporaryDirectory(prefix="pippin-") as folder:
        path = Path(folder) / "model.mlmodel"
        path.write_bytes(model)
        url = checked(MLModel.compileModelAtURL_error_(NSURL.fileURLWithPath_(str(path)), None), "compile the model")
        try:
            yield url
        finally:
            # Core ML chooses the folder of the compiled model.
            shutil.rmtree(str(url.path()), ignore_errors=True)


_DOING = "set up the training"
_SELECTOR = b"updateTaskForModelAtURL:trainingData:configuration:progressHandlers:error:"
# PyObjC 12.2.2 wrongly describes the handlers, argument 5, as a function.
_CORRECTED = {"arguments": {6: {"type_modifier": b"o"}}}
# Raised by PyObjC for a value that does not match its description of an argument.
_REFUSALS = (TypeError, ValueError, objc.error)


def make_task(
    url: Any,  # noqa: ANN401 - this and the next three are Apple's objects
    examples: Any,  # noqa: ANN401
    configuration: Any,  # noqa: ANN401
    handlers: Any,  # noqa: ANN401
    log: Callable[[str], None],
) -> tuple[Any, bool]:
    """An `MLUpdateTask`, not yet started, and whether the task uses the configuration.

    Args:
        url: The compiled model's URL. The model's defaults must be the run's hyperparameters: the last of the
            constructors takes no configuration.
        examples: An `MLBatchProvider`.
        configuration: An `MLModelConfiguration`.
        handlers: `MLUpdateProgressHandlers`.
        log: Logs a line if the configuration is not used.

    Raises:
        EngineError: Core ML refuses the model, the data or a hyperparameter.
    """
    for corrected in (False, True):
        if corrected:
            objc.registerMetaDataForSelector(b"MLUpdateTask", _SELECTOR, _CORRECTED)
        try:
            task = MLUpdateTask.updateTaskForModelAtURL_trainingData_configuration_progressHandlers_error_(
                url, examples, configuration, handlers, None
            )
        except _REFUSALS:
            continue
        return checked(task, _DOING), True
    log("PyObjC cannot pass a configuration to Core ML; Core ML chooses the compute units")
    task = MLUpdateTask.updateTaskForModelAtURL_trainingData_progressHandlers_error_(url, examples, handlers, None)
    return checked(task, _DOING), False
