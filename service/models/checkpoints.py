"""The `.mlmodel` of a checkpoint: made when it is asked for."""

import threading

from pippin.api.checkpoints import StoredCheckpoint
from pippin.blobs import BlobDamagedError, BlobMissingError, Blobs
from pippin.settings import Settings
from service.error_handlers import fault_of
from service.models.files import ModelFiles
from service.problems import Problem
from service.sandbox import SandboxError, TaskRefused
from service.work_folders import work_folder

# Each takes some hundred bytes.
_REMEMBERED = 1000


class CheckpointModels:
    """Makes models of checkpoints. Safe for threads.

    What is made is stored as a blob, so that it can be downloaded in parts, and made again once the sweeper has taken
    it: no record refers to it. The same checkpoint gives the same file each time.

    Args:
        files: Reads model files and checkpoints.
        blobs: Where models and checkpoints are.
        settings: Where there is room to work.
    """

    def __init__(self, files: ModelFiles, blobs: Blobs, settings: Settings) -> None:
        self._files = files
        self._blobs = blobs
        self._settings = settings
        self._made: dict[tuple[str, str], tuple[str, int]] = {}
        self._lock = threading.Lock()

    def find(self, initial: str, checkpoint: StoredCheckpoint) -> tuple[str, int]:
        """The model as it stood at a checkpoint: its digest, and its size in bytes.

        Args:
            initial: The digest of the model before the training.
            checkpoint: The checkpoint.

        Raises:
            Problem: 409, when the checkpoint is damaged or gone.
            BlobError: The blobs cannot be reached.
            SandboxError: This machine has too much else to do.
        """
        key = (initial, checkpoint.digest)
        model = self._made.get(key)
        if model is None or self._blobs.head(model[0]) is None:
            model = self._make(initial, checkpoint)
            with self._lock:
                self._made[key] = model
                if len(self._made) > _REMEMBERED:
                    del self._made[next(iter(self._made))]
        return model

    def _make(self, initial: str, checkpoint: StoredCheckpoint) -> tuple[str, int]:
        with work_folder(self._settings) as folder:
            file = folder / "model.mlmodel"
            try:
                self._files.at_checkpoint(initial, checkpoint.digest, file)
            except (BlobMissingError, BlobDamagedError, TaskRefused) as error:
                raise _unreadable(checkpoint, str(error)) from error
            except SandboxError as error:
                if (fault := fault_of(error)) is None:
                    raise
                raise _unreadable(checkpoint, fault.detail) from error
            return self._blobs.put_file(file)


def _unreadable(checkpoint: StoredCheckpoint, why: str) -> Problem:
    detail = f"No model can be made of the checkpoint of epoch {checkpoint.epoch}: {why.removesuffix('.')}."
    return Problem("state-conflict", detail)
