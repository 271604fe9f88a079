"""The checkpoints of an attempt: made during the training, stored before the event that refers to them."""

import threading
from collections import deque
from datetime import UTC, datetime

import structlog

from pippin.api.checkpoints import StoredCheckpoint
from pippin.api.requests import CheckpointPolicy
from pippin.blobs import Blobs
from pippin.jobs.checkpoints import Checkpoint, write_checkpoint
from pippin.system import tracing
from worker.access import retry_unavailable

_log = structlog.get_logger(__name__)


class PendingCheckpoint:
    """A serialized checkpoint that waits to be stored in the blob store."""

    def __init__(self, checkpoint: Checkpoint, blobs: Blobs, patience: float) -> None:
        # The checkpoint itself is not kept: its arrays take as much memory as the serialized data.
        self._position = (checkpoint.epoch, checkpoint.step, checkpoint.engine)
        self._made_at = datetime.now(UTC)
        self._blobs = blobs
        self._patience = patience
        self._data: bytes | None = write_checkpoint(checkpoint)
        self._stored: StoredCheckpoint | None = None
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes in memory."""
        data = self._data
        return 0 if data is None else len(data)

    def store(self) -> StoredCheckpoint | None:
        """Store the checkpoint unless it is stored already; None when it was given up.

        Raises:
            BlobError: The blob store did not accept the checkpoint within the retry time.
        """
        with self._lock:
            if (data := self._data) is not None:
                epoch, step, engine = self._position
                with tracing.span("checkpoint", epoch=epoch, bytes=len(data)):
                    digest = retry_unavailable(lambda: self._blobs.put_bytes(data), self._patience)
                self._stored = StoredCheckpoint(
                    epoch=epoch,
                    step=step,
                    engine=engine,
                    digest=digest,
                    bytes=len(data),
                    created_at=self._made_at,
                )
                self._data = None
            return self._stored

    def give_up(self) -> None:
        """Free the memory, unless the checkpoint is being stored at this moment."""
        if self._lock.acquire(blocking=False):
            self._data = None
            self._lock.release()


class Checkpoints:
    """Makes the checkpoints of one attempt."""

    def __init__(self, policy: CheckpointPolicy, blobs: Blobs, *, patience: float, room: int) -> None:
        """Initialize; no checkpoint is made yet.

        Args:
            policy: The job's checkpoint policy.
            blobs: The blob store.
            patience: Retry time in seconds while the blobs cannot be reached.
            room: Maximum bytes of all checkpoints that wait to be stored; beyond it a newer checkpoint replaces older
                ones.
        """
        self._policy = policy
        self._blobs = blobs
        self._patience = patience
        self._room = room
        self._waiting: deque[PendingCheckpoint] = deque()
        self._gave_up = False

    def due(self, epoch: int) -> bool:
        """Whether the job requests a checkpoint at the end of this epoch."""
        return epoch % self._policy.every_epochs == 0

    def make(self, checkpoint: Checkpoint) -> PendingCheckpoint:
        """Serialize a checkpoint to be stored.

        When too many wait because the stores cannot be reached, the oldest are given up.
        """
        pending = PendingCheckpoint(checkpoint, self._blobs, self._patience)
        self._waiting = deque(waiting for waiting in self._waiting if waiting.size)
        while self._waiting and sum(each.size for each in self._waiting) + pending.size > self._room:
            self._waiting.popleft().give_up()
            if not self._gave_up:
                self._gave_up = True
                _log.warning("storing checkpoints is too slow; newer checkpoints replace older ones", room=self._room)
        self._waiting.append(pending)
        return pending
