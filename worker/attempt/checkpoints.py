"""The checkpoints of an attempt: made while it trains, stored before the event that names them."""

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
    """A checkpoint on its way to the blob store."""

    def __init__(self, checkpoint: Checkpoint, blobs: Blobs, patience: float) -> None:
        # Not the checkpoint itself: its arrays take as much memory as the data.
        self._place = (checkpoint.epoch, checkpoint.step, checkpoint.engine)
        self._made_at = datetime.now(UTC)
        self._blobs = blobs
        self._patience = patience
        self._data: bytes | None = write_checkpoint(checkpoint)
        self._stored: StoredCheckpoint | None = None
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """What it takes in memory."""
        data = self._data
        return 0 if data is None else len(data)

    def store(self) -> StoredCheckpoint | None:
        """Store it, unless that was done before; None when it was given up.

        Raises:
            BlobError: The blob store could not take it for as long as that is worth trying.
        """
        with self._lock:
            if (data := self._data) is not None:
                epoch, step, engine = self._place
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
        """Free its memory, unless it is being stored at this moment."""
        if self._lock.acquire(blocking=False):
            self._data = None
            self._lock.release()


class Checkpoints:
    """Makes the checkpoints of one attempt."""

    def __init__(self, policy: CheckpointPolicy, blobs: Blobs, *, patience: float, room: int) -> None:
        """Describe them; none is made yet.

        Args:
            policy: What the job asks for.
            blobs: Where they are stored.
            patience: How many seconds to go on trying where the blobs are away.
            room: What those that wait to be stored may take, in bytes; beyond it the newer replaces the older ones.
        """
        self._policy = policy
        self._blobs = blobs
        self._patience = patience
        self._room = room
        self._waiting: deque[PendingCheckpoint] = deque()
        self._gave_up = False

    def due(self, epoch: int) -> bool:
        """Whether the job wants one at the end of this epoch."""
        return epoch % self._policy.every_epochs == 0

    def make(self, checkpoint: Checkpoint) -> PendingCheckpoint:
        """Prepare one to be stored. Where too many wait, since the stores are away, the oldest are given up."""
        pending = PendingCheckpoint(checkpoint, self._blobs, self._patience)
        self._waiting = deque(waiting for waiting in self._waiting if waiting.size)
        while self._waiting and sum(each.size for each in self._waiting) + pending.size > self._room:
            self._waiting.popleft().give_up()
            if not self._gave_up:
                self._gave_up = True
                _log.warning(
                    "checkpoints wait too long to be stored; newer ones take the place of older ones", room=self._room
                )
        self._waiting.append(pending)
        return pending
