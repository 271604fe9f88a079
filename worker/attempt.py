"""One attempt at a job: from its claim to the trained file, or to the reason why there is none."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import structlog

from pippin.blob_cache import BlobCache
from pippin.blobs import BlobError, BlobMissingError, Blobs
from pippin.datasets.errors import refuse
from pippin.datasets.examples import Examples, split_examples
from pippin.jobs.job import Artifact, Failure, Variant
from pippin.jobs.request import ResolvedRequest
from pippin.jobs.states import Reason
from pippin.mlmodel import ModelFileError, admitting, build, inference_variant, open_model
from pippin.models.inspection import trainable_of
from pippin.models.trainable import Trainable
from pippin.spec import resolve
from pippin.store import Claim, LeaseLost, NoSuchJob, Refused, Store, StoreUnavailable
from worker.assignment import Assignment
from worker.engines.engine import Engine, Stopped, TrainingRun
from worker.failures import failure_of
from worker.lease import Lease
from worker.outbox import Outbox
from worker.patience import patiently
from worker.report import Report
from worker.settlement import settle_stopped
from worker.stop import Cause, StopSwitch
from worker.trained import provenance, write_trained
from worker.watchdog import Watchdog

_log = structlog.get_logger(__name__)

# A training is worth waiting for: Redis may be away for that long at its very end, and nothing is lost.
_PATIENCE_SECONDS = 600.0


@dataclass(frozen=True)
class Tools:
    """What an attempt works with.

    Attributes:
        renew_seconds: How often the lease is renewed.
    """

    store: Store
    blobs: Blobs
    cache: BlobCache
    engine: Engine
    renew_seconds: float = 5


def run(assignment: Assignment, tools: Tools, stop: StopSwitch) -> None:
    """Make the attempt and record how it ended, unless it turns out to be somebody else's.

    Raises:
        StoreUnavailable: The end could not be recorded for as long as that is worth trying.
    """
    claim = assignment.claim
    with structlog.contextvars.bound_contextvars(job=claim.job_id, attempt=claim.number):
        _run(assignment, tools, stop)


def _run(assignment: Assignment, tools: Tools, stop: StopSwitch) -> None:
    claim = assignment.claim
    try:
        job = patiently(
            lambda: tools.store.attempts.claim(claim, worker=assignment.worker, engine=assignment.engine),
            _PATIENCE_SECONDS,
        )
    except (Refused, NoSuchJob) as error:
        _log.info("not claimed", why=str(error))
        return
    _log.info("claimed")
    with (
        Lease(tools.store.attempts, claim, stop, renew_seconds=tools.renew_seconds),
        Outbox(stop) as outbox,
    ):
        _Attempt(claim, job.request, tools, stop, outbox).run()


class _Attempt:
    """An attempt that holds its job."""

    def __init__(self, claim: Claim, request: ResolvedRequest, tools: Tools, stop: StopSwitch, outbox: Outbox) -> None:
        self._claim = claim
        self._request = request
        self._tools = tools
        self._stop = stop
        self._outbox = outbox
        self._report = Report(
            tools.store.attempts,
            claim,
            outbox,
            stop,
            engine=tools.engine.name,
            hyperparameters=request.hyperparameters,
        )

    def run(self) -> None:
        """Train, and record the end once all that came before it is recorded."""
        end = self._train_and_judge()
        if not self._outbox.flush(_PATIENCE_SECONDS):
            if self._stop.cause is not Cause.LEASE_LOST:
                raise StoreUnavailable("Redis could not be reached in time to record what the attempt has done")
            return
        try:
            patiently(end, _PATIENCE_SECONDS)
        except LeaseLost as error:
            _log.warning("the end is not recorded", why=str(error))

    def _train_and_judge(self) -> Callable[[], object]:
        """Train; the call that records how it ended."""
        store, claim = self._tools.store, self._claim
        try:
            trained = self._train()
        except Stopped:
            cause = self._stop.cause or Cause.TERMINATED
            _log.info("stopped", cause=cause)
            return partial(settle_stopped, store, claim, cause)
        except StoreUnavailable:
            raise
        except (OSError, BlobError) as error:
            # A full disk or a blob store that is away says nothing about the job: another worker may do better.
            _log.exception("lost")
            failure = Failure(code=Reason.WORKER_LOST, detail=f"A file could not be read or written: {error}.")
            return partial(store.reaping.report_lost, claim, failure)
        except Exception as error:  # noqa: BLE001 - whatever went wrong, the job must end with a reason
            failure = failure_of(error)
            _log.info("failed", reason=failure.code, detail=failure.detail)
            return partial(store.attempts.fail, claim, failure)
        return partial(self._succeed, trained)

    def _train(self) -> Artifact:
        """Make the trained file and store it.

        Raises:
            Stopped: Something threw the switch.
            Exception: Whatever else went wrong, with a sentence if it was foreseen.
        """
        request, tools = self._request, self._tools
        model = self._model()
        trainable = trainable_of(open_model(model))
        # Nobody waits for the initial model, so the training does not either.
        uploads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="upload")
        try:
            initial = uploads.submit(self._store, "initial", model)
            initial.add_done_callback(lambda done: None if done.exception() else self._report.artifact(done.result()))
            training, validation, names = self._examples(trainable)
            self._stop.check()
            run = TrainingRun(
                admitting(model, request.hyperparameters) if request.widened else model,
                request.hyperparameters,
                training,
                validation,
                request.report == "batch",
                names,
                compute_units=request.compute_units,
            )
            with Watchdog(self._stop):
                learned = tools.engine.train(run, self._report)
            trained = write_trained(model, learned, self._provenance(trainable, training))
            self._report.artifact(self._store("inference", inference_variant(trained)))
            initial.result()
            return self._store("trained", trained)
        finally:
            uploads.shutdown(wait=False)

    def _model(self) -> bytes:
        """The `.mlmodel` to train: the one that was uploaded or trained before, else built from the job's spec."""
        tools, digest = self._tools, self._request.model.digest
        if digest is not None:
            try:
                return tools.cache.data(digest)
            except BlobMissingError as error:
                raise ModelFileError(f"the model's file is gone ({error}); upload it again") from error
        spec = patiently(lambda: tools.store.jobs.spec(self._claim.tenant, self._claim.job_id), 60)
        model = build(resolve(spec))
        _log.debug("built the model", bytes=len(model))
        return model

    def _examples(self, model: Trainable) -> tuple[Examples, Examples | None, tuple[str, ...] | None]:
        """What to learn from, what to measure on, and what the dataset calls its classes."""
        asked = self._request.dataset
        manifest = patiently(lambda: self._tools.store.datasets.get(self._claim.tenant, asked.id), 60)
        if manifest is None:
            raise refuse(f"the dataset {asked.id} was deleted before the training began; upload it again")
        try:
            arrays = self._tools.cache.arrays(asked.digest)
        except BlobMissingError as error:
            raise refuse(f"the arrays of the dataset {asked.id} are gone ({error}); upload it again") from error
        _log.debug("opened the dataset", digest=asked.digest)
        training, validation = split_examples(asked, manifest, model, arrays, self._request.hyperparameters.seed)
        return training, validation, None if manifest.labels is None else tuple(manifest.labels)

    def _provenance(self, model: Trainable, training: Examples) -> dict[str, str]:
        return provenance(
            engine=self._tools.engine.name,
            dataset=self._request.dataset.digest,
            hyperparameters=self._request.hyperparameters,
            last=self._report.last,
            scales={name: scale for name, scale in training.scales.items() if name != model.target},
        )

    def _store(self, variant: Variant, data: bytes) -> Artifact:
        digest = self._tools.blobs.put_bytes(data)
        url = f"/jobs/{self._claim.job_id}/model?variant={variant}"
        return Artifact(variant=variant, digest=digest, bytes=len(data), url=url)

    def _succeed(self, trained: Artifact) -> None:
        try:
            self._tools.store.attempts.succeed(self._claim, trained)
        except Refused:
            # Cancelled in the very last moment.
            self._tools.store.attempts.cancelled(self._claim)
