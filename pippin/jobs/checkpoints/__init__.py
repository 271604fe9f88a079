"""Checkpoints: where a training stands, as a file from which it goes on."""

from pippin.jobs.checkpoints.checkpoint import Checkpoint, ShuffleState
from pippin.jobs.checkpoints.file import CheckpointError, read_checkpoint, write_checkpoint

__all__ = ["Checkpoint", "CheckpointError", "ShuffleState", "read_checkpoint", "write_checkpoint"]
