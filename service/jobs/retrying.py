"""Retries a failed or cancelled job as a new job."""

from dataclasses import dataclass

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Job
from pippin.api.requests import ResolvedRequest
from pippin.api.states import Status
from pippin.blobs import Blobs
from pippin.store import Idempotency, JobQuota, Store
from pippin.system import tracing
from service.problems import Problem

_RETRIED = frozenset({Status.FAILED, Status.CANCELLED})


@dataclass(frozen=True)
class Retry:
    """The input of the new job.

    Attributes:
        of: The job that is retried.
        request: Its request; with a checkpoint, limited to the engine that can continue it.
        checkpoint: The checkpoint to continue from; None to begin with the first epoch.
    """

    of: Job
    request: ResolvedRequest
    checkpoint: StoredCheckpoint | None

    def submit(self, tenant: str, store: Store, idempotency: Idempotency | None, quota: JobQuota | None = None) -> Job:
        """Create and queue the new job.

        Raises:
            NoSuchJob: The old job was deleted meanwhile.
        """
        # Empty when the model is in a file, or its spec in a blob.
        spec = store.jobs.spec(tenant, self.of.id)
        return store.jobs.submit(
            tenant,
            self.request,
            spec=spec,
            idempotency=idempotency,
            quota=quota,
            retries=self.of,
            from_=self.checkpoint,
            traceparent=tracing.traceparent(),
        )


def prepare_retry(job: Job, tenant: str, store: Store, blobs: Blobs, *, from_checkpoint: bool) -> Retry:
    """Check that a job can be retried with the data that still exists.

    Raises:
        Problem: 409 with the reason why the job cannot be retried.
        BlobError: The blobs cannot be reached.
    """
    if job.status not in _RETRIED:
        raise _refused(job, f"it is {job.status}; only failed or cancelled jobs can be retried")
    _check_dataset(job, tenant, store, blobs)
    request = _with_available_model(job, blobs)
    if not from_checkpoint:
        return Retry(job, request, None)
    checkpoint = job.checkpoint
    if checkpoint is None:
        raise _refused(
            job, "it has no checkpoint; leave from_checkpoint out to start from the beginning", "from a checkpoint "
        )
    if blobs.head(checkpoint.digest) is None:
        raise _refused(
            job, "the file was deleted; leave from_checkpoint out to start from the beginning", "from its checkpoint "
        )
    engines = [engine for engine in job.request.engines if engine == checkpoint.engine]
    return Retry(job, request.model_copy(update={"engines": engines}), checkpoint)


def _check_dataset(job: Job, tenant: str, store: Store, blobs: Blobs) -> None:
    dataset = job.request.dataset
    if store.datasets.get(tenant, dataset.id) is None or blobs.head(dataset.digest) is None:
        raise _refused(
            job, f"its dataset {dataset.name or dataset.id} was deleted; upload it again and submit a new job"
        )


def _with_available_model(job: Job, blobs: Blobs) -> ResolvedRequest:
    """The request of the job. If the blob of its spec was deleted after its end, it names the model that the job built.

    Perhaps no record names the files of a job that has ended. Touching them keeps a running sweep from deleting them
    before the record of the new job names them.
    """
    model = job.request.model
    if model.digest and not blobs.touch(model.digest):
        raise _refused(
            job, f"the file of its model {model.name or model.id or model.job} was deleted; submit a new job"
        )
    if model.spec_digest is None or blobs.touch(model.spec_digest):
        return job.request
    built = next((artifact.digest for artifact in job.artifacts if artifact.variant == "initial"), None)
    if built is None or blobs.head(built) is None:
        raise _refused(job, "the spec of its model was deleted; submit a new job")
    return job.request.model_copy(update={"model": model.model_copy(update={"digest": built, "spec_digest": None})})


def _refused(job: Job, why: str, how: str = "") -> Problem:
    return Problem("state-conflict", f"{job.id} cannot be retried {how}".rstrip() + f": {why}.")
