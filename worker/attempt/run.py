"""One attempt at a job: from its claim to the trained file or the recorded failure."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial

import structlog

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.jobs import Artifact, Failure, Job, Variant
from pippin.api.states import Reason
from pippin.blobs import BlobDamagedError, BlobError, BlobMissingError, Blobs
from pippin.blobs.cache import BlobCache
from pippin.datasets.errors import refuse
from pippin.datasets.examples import Examples, picture_scales, split_examples
from pippin.datasets.mapped_arrays import MappedArrays, map_arrays
from pippin.jobs.checkpoints import Checkpoint, CheckpointError, read_checkpoint
from pippin.models.inspection import trainable_of
from pippin.models.mlmodel import ModelFileError, build, inference_variant, open_model, with_widened_limits
from pippin.models.spec import resolve
from pippin.models.trainable import Trainable
from pippin.store import Claim, LeaseLost, NoSuchJob, Refused, Store, StoreUnavailable
from pippin.system import tracing
from worker.access import retry_unavailable
from worker.attempt.checkpoints import Checkpoints
from worker.attempt.lease import Lease
from worker.attempt.outbox import Outbox
from worker.attempt.report import Report
from worker.attempt.trained import provenance, write_trained
from worker.child import Assignment
from worker.engines.engine import Engine, Stopped, TrainingRun
from worker.memory import check_training
from worker.settlement import failure_of, settle_stopped
from worker.stop import Cause, StopFlag

_log = structlog.get_logger(__name__)

# Redis may be unreachable for that long at the end of a training without losing the result.
_PATIENCE_SECONDS = 600.0
# After these causes another attempt resumes the training, automatically or by a retry.
_RESUMABLE_CAUSES = {Cause.PAUSED, Cause.TERMINATED, Cause.TIMED_OUT}


@dataclass(frozen=True)
class AttemptContext:
    """The resources and limits of an attempt.

    Attributes:
        renew_seconds: Interval between two renewals of the lease.
        training_bytes: Maximum memory of a training, estimated from shapes; None sets no limit.
        outbox_bytes: Maximum bytes of the outbox, and separately of the checkpoints that wait to be stored.
        max_batch_losses: Maximum number of mini-batch losses recorded per epoch.
        blob_seconds: Retry time while the blobs cannot be reached.
    """

    store: Store
    blobs: Blobs
    cache: BlobCache
    engine: Engine
    renew_seconds: float = 5
    blob_seconds: float = 60
    training_bytes: int | None = None
    outbox_bytes: int = 32 * 2**20
    max_batch_losses: int = 1000


def run(assignment: Assignment, context: AttemptContext, stop: StopFlag) -> bool:
    """Make the attempt and record its end, unless the job cannot be claimed.

    Returns:
        False when the attempt was lost because a file could not be read or written or the blobs could not be reached,
        else True.

    Raises:
        StoreUnavailable: The end could not be recorded within the retry time.
    """
    claim = assignment.claim
    try:
        job = retry_unavailable(
            lambda: context.store.attempts.claim(claim, worker=assignment.worker, engine=assignment.engine),
            _PATIENCE_SECONDS,
        )
    except (Refused, NoSuchJob) as error:
        _log.info("the attempt was not claimed", why=str(error))
        return True
    _log.info("claimed")
    with (
        Lease(context.store.attempts, claim, stop, renew_seconds=context.renew_seconds),
        Outbox(stop, max_bytes=context.outbox_bytes) as outbox,
    ):
        attempt = _Attempt(claim, job, context, stop, outbox)
        attempt.run()
    return not attempt.lost


class _Attempt:
    """An attempt that has claimed its job.

    Attributes:
        lost: Whether the attempt ended because of an I/O error or unreachable blobs.
    """

    def __init__(self, claim: Claim, job: Job, context: AttemptContext, stop: StopFlag, outbox: Outbox) -> None:
        self._claim = claim
        self._request = job.request
        self._newest = job.checkpoint
        self._context = context
        self._stop = stop
        self._outbox = outbox
        self._arrays: MappedArrays | None = None
        self._picture_scales: dict[str, float] = {}
        self.lost = False
        self._report = Report(
            context.store.attempts,
            claim,
            outbox,
            stop,
            engine=context.engine.name,
            hyperparameters=job.request.hyperparameters,
            checkpoints=Checkpoints(
                job.request.checkpoint, context.blobs, patience=context.blob_seconds, room=context.outbox_bytes
            ),
            last=job.latest_metrics,
            max_batch_losses=context.max_batch_losses,
            check_data=self._check_data,
        )

    def run(self) -> None:
        """Train, and record the end after all earlier writes are sent."""
        end = self._train_to_end()
        try:
            sent = self._outbox.flush(_PATIENCE_SECONDS)
        except BlobError as error:
            # A checkpoint could not be stored: the next attempt repeats the training since the previous checkpoint.
            end, sent = self._lose(error), True
        if not sent:
            if self._stop.cause is not Cause.LEASE_LOST:
                raise StoreUnavailable("Redis could not be reached in time to record the attempt")
            return
        try:
            retry_unavailable(end, _PATIENCE_SECONDS)
        except LeaseLost as error:
            _log.warning("the end of the attempt is not recorded", why=str(error))

    def _train_to_end(self) -> Callable[[], object]:
        """Train, and return the call that records the end."""
        store, claim = self._context.store, self._claim
        try:
            trained = self._train()
        except Stopped as stopped:
            cause = self._stop.cause or Cause.TERMINATED
            _log.info("stopped", cause=cause)
            if stopped.checkpoint is not None and cause in _RESUMABLE_CAUSES:
                self._store_checkpoint(stopped.checkpoint)
            return partial(settle_stopped, store, claim, cause)
        except StoreUnavailable:
            raise
        except (OSError, BlobError) as error:
            return self._lose(error)
        except Exception as error:  # noqa: BLE001 - every job must end with a recorded reason
            failure = failure_of(error)
            _log.info("failed", reason=failure.code, detail=failure.detail)
            return partial(store.attempts.fail, claim, failure)
        return partial(self._succeed, trained)

    def _store_checkpoint(self, checkpoint: Checkpoint) -> None:
        try:
            self._report.stopped_at(checkpoint)
        except BlobDamagedError as error:
            _log.warning("the checkpoint could not be stored", error=str(error))

    def _lose(self, error: Exception) -> Callable[[], object]:
        """Mark the attempt as lost: a full disk or an unreachable blob store is no fault of the job."""
        _log.error("lost", error=str(error))
        self.lost = True
        failure = Failure(code=Reason.WORKER_LOST, detail=f"A file could not be read or written: {error}.")
        return partial(self._context.store.reaping.report_lost, self._claim, failure)

    def _train(self) -> Artifact:
        """Make the trained file and store it.

        Raises:
            Stopped: The stop flag was set.
            Exception: Any other failure.
        """
        request, context = self._request, self._context
        with tracing.span("build"):
            model = self._model()
        opened = open_model(model)
        trainable = trainable_of(opened)
        # The training does not wait for the upload of the initial model.
        uploads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upload")
        try:
            initial = uploads.submit(copy_context().run, self._store, "initial", model)
            initial.add_done_callback(lambda done: None if done.exception() else self._report.artifact(done.result()))
            with tracing.span("fetch"):
                training, validation, names = self._examples(trainable)
            self._stop.check()
            size = request.hyperparameters.mini_batch_size
            check_training(trainable.memory, size, training.count, context.training_bytes)
            run = TrainingRun(
                with_widened_limits(model, request.hyperparameters.model_dump(exclude_none=True))
                if request.widened
                else model,
                request.hyperparameters,
                training,
                validation,
                request.report == "batch",
                names,
                compute_units=request.compute_units,
                resume=self._checkpoint(),
                opened=opened,
            )
            with tracing.span("train"):
                learned = context.engine.train(run, self._report)
            self._check_data()
            trained = write_trained(model, learned, self._provenance())
            self._report.artifact(self._store("inference", inference_variant(trained)))
            initial.result()
            return self._store("trained", trained)
        finally:
            uploads.shutdown(wait=False)

    def _model(self) -> bytes:
        """The `.mlmodel` to train: an uploaded or trained file, else a file built from the job's spec."""
        source = self._request.model
        if source.digest is not None:
            return self._file(source.digest, "the model's file was deleted ({}); upload it again")
        if source.spec_digest is not None:
            spec = json.loads(
                self._file(source.spec_digest, "the spec of the model was deleted ({}); submit the job again")
            )
        else:
            spec = retry_unavailable(lambda: self._context.store.jobs.spec(self._claim.tenant, self._claim.job_id), 60)
        model = build(resolve(spec))
        _log.debug("built the model", bytes=len(model))
        return model

    def _file(self, digest: str, gone: str) -> bytes:
        """Read the blob of the model or its spec.

        Raises:
            ModelFileError: The blob is missing; the message is `gone` with the reason in its braces.
        """
        try:
            return retry_unavailable(lambda: self._context.cache.data(digest), self._context.blob_seconds)
        except BlobMissingError as error:
            raise ModelFileError(gone.format(error)) from error
        except BlobDamagedError as error:
            raise refuse(f"the model's file cannot be used: {error}") from error

    def _checkpoint(self) -> Checkpoint | None:
        """The newest checkpoint that can be read, to resume from. Unreadable checkpoints are discarded."""
        attempts = self._context.store.attempts
        while self._newest is not None:
            checkpoint = self._read(self._newest)
            if checkpoint is not None:
                self._report.resumes_from(self._newest)
                return checkpoint
            self._newest = retry_unavailable(partial(attempts.discard_checkpoint, self._claim, self._newest), 60)
        return None

    def _read(self, stored: StoredCheckpoint) -> Checkpoint | None:
        """Read a stored checkpoint; None when it is missing or damaged."""
        try:
            return read_checkpoint(
                retry_unavailable(partial(self._context.cache.data, stored.digest), self._context.blob_seconds)
            )
        except (BlobMissingError, BlobDamagedError, CheckpointError) as error:
            _log.warning("a checkpoint cannot be used", epoch=stored.epoch, step=stored.step, error=str(error))
            self._report.log(f"The checkpoint of epoch {stored.epoch} cannot be used: {error}.")
            return None

    def _examples(self, model: Trainable) -> tuple[Examples, Examples | None, tuple[str, ...] | None]:
        """The training examples, the validation examples and the dataset's class names."""
        dataset = self._request.dataset
        manifest = retry_unavailable(lambda: self._context.store.datasets.get(self._claim.tenant, dataset.id), 60)
        if manifest is None:
            raise refuse(f"the dataset {dataset.id} was deleted before the training began; upload it again")
        try:
            arrays = retry_unavailable(
                lambda: map_arrays(self._context.cache, dataset.digest), self._context.blob_seconds
            )
        except BlobMissingError as error:
            raise refuse(f"the arrays of the dataset {dataset.id} were deleted ({error}); upload it again") from error
        except BlobDamagedError as error:
            raise refuse(f"the arrays of the dataset {dataset.id} cannot be used: {error}") from error
        self._arrays = arrays
        _log.debug("opened the dataset", digest=dataset.digest)
        training, validation = split_examples(dataset, manifest, model, arrays, self._request.hyperparameters.seed)
        self._picture_scales = picture_scales(dataset, manifest, model)
        names = manifest.labels_of(dataset.bind[model.target])
        return training, validation, None if names is None else tuple(names)

    def _check_data(self) -> None:
        """Verify that the dataset's cached copy has not changed since the training began.

        Raises:
            BlobDamagedError: The copy has changed.
        """
        if self._arrays is not None:
            self._arrays.check()

    def _provenance(self) -> dict[str, str]:
        return provenance(
            engine=self._context.engine.name,
            dataset=self._request.dataset.digest,
            hyperparameters=self._request.hyperparameters,
            last=self._report.last,
            scales=self._picture_scales,
        )

    def _store(self, variant: Variant, data: bytes) -> Artifact:
        with tracing.span("store", variant=variant, bytes=len(data)):
            digest = retry_unavailable(lambda: self._context.blobs.put_bytes(data), self._context.blob_seconds)
        url = f"/jobs/{self._claim.job_id}/model?variant={variant}"
        return Artifact(variant=variant, digest=digest, bytes=len(data), url=url)

    def _succeed(self, trained: Artifact) -> None:
        try:
            self._context.store.attempts.succeed(self._claim, trained)
        except Refused:
            # The job was cancelled after the last check of the stop flag.
            self._context.store.attempts.cancelled(self._claim)
