"""Makes a model of a checkpoint."""

from pathlib import Path

from pippin.jobs.checkpoints import read_checkpoint
from pippin.models.mlmodel import with_learned


def checkpoint_model(path: str, checkpoint: str, to: str) -> object:
    """Write the model as it stood at a checkpoint to `to`.

    Args:
        path: The `.mlmodel` before the training.
        checkpoint: The checkpoint's file.
        to: Another file, which need not be there.

    Raises:
        CheckpointError: The checkpoint is none, or damaged.
        ModelFileError: It is of another model.
    """
    saved = read_checkpoint(Path(checkpoint).read_bytes())
    Path(to).write_bytes(with_learned(Path(path).read_bytes(), saved.weights))
    return None
