"""The `.mlmodel` of a checkpoint: created when a client requests it."""

import threading

from pippin.api.checkpoints import StoredCheckpoint
from pippin.blobs import BlobDamagedError, BlobMissingError, Blobs
from pippin.settings import Settings
from service.error_handlers import fault_of
from service.models.files import ModelFiles
from service.problems import Problem
from service.sandbox import SandboxError, TaskRefused
from service.work_folders import work_folder

# An entry takes some hundred bytes.
_MAX_ENTRIES = 1000


class CheckpointModels:
    """Creates models from checkpoints. Thread-safe.

    A created model is stored as a blob, so that it can be downloaded in parts. No record names the blob, so the sweeper
    deletes it in time; then the model is created again. The same checkpoint always gives the same file.

    Args:
        files: Reads model files and checkpoints.
        blobs: Holds models and checkpoints.
        settings: Gives the place of scratch folders.
    """

    def __init__(self, files: ModelFiles, blobs: Blobs, settings: Settings) -> None:
        self._files = files
        self._blobs = blobs
        self._settings = settings
        self._made: dict[tuple[str, str], tuple[str, int]] = {}
        self._lock = threading.Lock()

    def find(self, initial: str, checkpoint: StoredCheckpoint) -> tuple[str, int]:
        """The digest and the size in bytes of the model with the weights of a checkpoint.

        Args:
            initial: The digest of the model before the training.
            checkpoint: The checkpoint.

        Raises:
            Problem: 409, when the checkpoint is damaged or missing.
            BlobError: The blobs cannot be reached.
            SandboxError: This machine is too busy, or the service is ending.
        """
        key = (initial, checkpoint.digest)
        model = self._made.get(key)
        if model is None or self._blobs.head(model[0]) is None:
            model = self._make(initial, checkpoint)
            with self._lock:
                self._made[key] = model
                if len(self._made) > _MAX_ENTRIES:
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
    detail = f"No model can be built from the checkpoint of epoch {checkpoint.epoch}: {why.removesuffix('.')}."
    return Problem("state-conflict", detail)
