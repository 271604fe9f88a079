"""The observer of a training: turns the engine's reports into records of the store."""

import math
import secrets
from array import array
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Self

import structlog

from pippin.api.checkpoints import Resumption, StoredCheckpoint
from pippin.api.jobs import Artifact
from pippin.api.metrics import BatchLosses, EpochMetrics
from pippin.api.requests import Hyperparameters
from pippin.jobs.checkpoints import Checkpoint
from pippin.store import Claim
from pippin.store.attempts import LOG_LINE_CHARACTERS, Attempts
from pippin.system import tracing
from worker.attempt.checkpoints import Checkpoints
from worker.attempt.outbox import Detail, Outbox
from worker.engines.engine import EpochResult
from worker.stop import StopFlag

_log = structlog.get_logger(__name__)


class Report:
    """The observer of one attempt's training. No method waits for the store: all writes go through the outbox.

    Args:
        check_data: Raises BlobDamagedError when the training data has changed; called before every epoch or checkpoint
            is recorded.

    Attributes:
        last: Metrics of the last epoch, initially of an earlier attempt; None before the job's first epoch.
    """

    def __init__(
        self,
        attempts: Attempts,
        claim: Claim,
        outbox: Outbox,
        stop: StopFlag,
        *,
        engine: str,
        hyperparameters: Hyperparameters,
        checkpoints: Checkpoints,
        last: EpochMetrics | None,
        max_batch_losses: int,
        check_data: Callable[[], None] = lambda: None,
    ) -> None:
        self._attempts = attempts
        self._claim = claim
        self._outbox = outbox
        self._stop = stop
        self._engine = engine
        self._hyperparameters = hyperparameters
        self._checkpoints = checkpoints
        self._check_data = check_data
        self._max_batch_losses = max_batch_losses
        self._drop_reported = False
        self._resumed_from: StoredCheckpoint | None = None
        self.last = last

    def stop_requested(self) -> bool:
        """Whether a stop of the attempt is requested."""
        return self._stop.cause is not None

    def resumes_from(self, checkpoint: StoredCheckpoint) -> None:
        """Record the checkpoint from which the next training resumes."""
        self._resumed_from = checkpoint

    def training_began(self, notice: str | None = None) -> None:
        """Record the job as `running`."""
        _log.debug("training began")
        at = self._resumed_from
        resumed = None if at is None else Resumption(epoch=at.epoch, step=at.step, notice=notice)
        self._outbox.put(partial(self._attempts.running, self._claim, resumed))

    def epoch_ended(self, result: EpochResult, snapshot: Callable[[], Checkpoint] | None = None) -> None:
        """Record the epoch, after its checkpoint if one is due.

        Raises:
            BlobDamagedError: The dataset has changed; the epoch is not recorded.
        """
        self._check_data()
        metrics = self.last = self._metrics(result)
        _log.info("epoch", epoch=result.epoch, loss=metrics.loss, seconds=round(result.seconds, 3))
        tracing.completed("epoch", result.seconds, epoch=result.epoch)
        due = snapshot is not None and self._checkpoints.due(result.epoch)
        pending = self._checkpoints.make(snapshot()) if snapshot is not None and due else None
        batches = None if result.batch_losses is None else _Batches.of(result.batch_losses, self._max_batch_losses)

        def record() -> None:
            stored = pending.store() if pending else None
            self._attempts.epoch(self._claim, metrics, batches.kept if batches else None, stored)

        self._outbox.put(record, None if batches is None else Detail(batches.bytes, batches.drop))
        if self._outbox.dropped and not self._drop_reported:
            self._drop_reported = True
            self.log(
                "Redis accepted no writes for so long that mini-batch losses were dropped; their epochs have none."
            )

    def stopped_at(self, checkpoint: Checkpoint) -> None:
        """Record the checkpoint at which the training was interrupted, so that another attempt can resume from it.

        Raises:
            BlobDamagedError: The dataset has changed; the checkpoint is not recorded.
        """
        self._check_data()
        pending = self._checkpoints.make(checkpoint)

        def record() -> None:
            if (stored := pending.store()) is not None:
                self._attempts.checkpoint(self._claim, stored)

        self._outbox.put(record)

    def log(self, line: str) -> None:
        """Add a line to the job's log."""
        # One character more than the store keeps, so that the store marks the line as cut.
        line = line[: LOG_LINE_CHARACTERS + 1]
        # The id is drawn here, so that a line that is sent twice is stored once.
        self._outbox.put(partial(self._attempts.log, self._claim, line, line_id=secrets.token_hex(8)))

    def artifact(self, artifact: Artifact) -> None:
        """Record a stored model file."""
        self._outbox.put(partial(self._attempts.artifact, self._claim, artifact))

    def _metrics(self, result: EpochResult) -> EpochMetrics:
        finite = all(math.isfinite(loss) for loss in (result.loss, result.validation_loss) if loss is not None)
        return EpochMetrics(
            epoch=result.epoch,
            epochs=self._hyperparameters.epochs,
            loss=_finite(result.loss),
            validation_loss=_finite(result.validation_loss),
            validation_accuracy=result.validation_accuracy,
            examples_per_second=result.examples_per_second,
            seconds=result.seconds,
            learning_rate=result.learning_rate,
            engine=self._engine,
            attempt=self._claim.number,
            time=datetime.now(UTC),
            diverged=not finite,
        )


class _Batches:
    """An epoch's mini-batch losses that wait to be recorded; 8 bytes per loss, where a tuple of floats takes 32."""

    def __init__(self, kept: BatchLosses) -> None:
        self.kept: BatchLosses | None = kept
        self.bytes = 8 * len(kept.losses)

    @classmethod
    def of(cls, losses: Sequence[float], max_losses: int) -> Self:
        thinned = BatchLosses.of(losses, max_losses)
        return cls(replace(thinned, losses=array("d", thinned.losses)))

    def drop(self) -> None:
        self.kept = None


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None
