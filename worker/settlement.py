"""Records the end of an attempt in the store: by the cause of a stop, or by the error that was raised."""

import structlog

from pippin.api.jobs import Failure
from pippin.api.states import Reason
from pippin.datasets.errors import DatasetError
from pippin.errors import FaultyDocumentError
from pippin.store import Claim, LeaseLost, Refused, Store
from worker.engines.engine import EngineError
from worker.stop import Cause

_log = structlog.get_logger(__name__)


def settle_stopped(store: Store, claim: Claim, cause: Cause, *, memory_limit: int | None = None) -> None:
    """Record the end of an attempt that was stopped.

    Args:
        store: The store that holds the job.
        claim: The attempt's claim.
        cause: Why the attempt was stopped.
        memory_limit: The memory limit of the attempt, in bytes.

    Raises:
        StoreUnavailable: The store cannot be reached.
    """
    try:
        match cause:
            case Cause.CANCELLED:
                store.attempts.cancelled(claim)
            case Cause.PAUSED:
                store.attempts.paused(claim)
            case Cause.TERMINATED:
                store.attempts.hand_back(claim)
            case Cause.TIMED_OUT:
                detail = "The job's timeout_seconds are used up, over all of its attempts."
                store.attempts.fail(claim, Failure(code=Reason.TIMEOUT, detail=detail))
            case Cause.OUT_OF_MEMORY:
                detail = f"The training used more than the {memory_limit} bytes allowed; try a smaller mini_batch_size."
                store.attempts.fail(claim, Failure(code=Reason.OUT_OF_MEMORY, detail=detail))
            case Cause.LEASE_LOST | Cause.UNRECORDED:
                pass  # nothing can be recorded
    except (LeaseLost, Refused):
        pass  # the attempt is settled already, or a newer attempt holds the job


def failure_of(error: Exception) -> Failure:
    """The failure to record for `error`. An unexpected error is logged with its traceback."""
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
    detail = f"The training failed with an unexpected error ({type(error).__name__}); the worker's log has the details."
    return Failure(code=Reason.ENGINE_ERROR, detail=detail)
