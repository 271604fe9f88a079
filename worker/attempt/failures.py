"""Why an attempt failed, from what was raised: whose fault, and a sentence without a traceback."""

import structlog

from pippin.api.jobs import Failure
from pippin.api.states import Reason
from pippin.datasets.errors import DatasetError
from pippin.errors import FaultyDocumentError
from worker.engines.engine import EngineError

_log = structlog.get_logger(__name__)


def failure_of(error: Exception) -> Failure:
    """The reason to record for `error`. What nobody foresaw goes to the log with its traceback."""
    match error:
        case EngineError():
            return Failure(code=error.reason, detail=str(error))
        case DatasetError():
            return Failure(code=Reason.INVALID_DATA, detail=str(error))
        case FaultyDocumentError():
            return Failure(code=Reason.INVALID_MODEL, detail=str(error))
        case MemoryError():
            detail = "The training needed more memory than the worker may use; try a smaller mini_batch_size."
            return Failure(code=Reason.OUT_OF_MEMORY, detail=detail)
    _log.exception("unforeseen", exc_info=error)
    detail = f"The training failed in an unforeseen way ({type(error).__name__}); the worker's log has the details."
    return Failure(code=Reason.ENGINE_ERROR, detail=detail)
