"""A job as TensorBoard's event files."""

from collections.abc import Sequence
from pathlib import Path

from pippin.api.jobs import Job
from pippin.api.metrics import EpochMetrics
from pippin.cli.exports.errors import MissingLibraryError
from pippin.cli.exports.values import settings_of, training_of, validation_of


def write_event_files(folder: Path, job: Job, epochs: Sequence[EpochMetrics]) -> Path:
    """Writes a job's scalars and hyperparameters for `tensorboard --logdir FOLDER`.

    Training and validation are two runs with the same tags, as Keras writes them, so that their curves lie over one
    another. Steps are epochs from 1, times are those of the epochs. Written anew, a job replaces nothing: TensorBoard
    reads all files of a run, so give each export a folder of its own.

    Args:
        folder: Where the job gets a folder.
        job: What was asked.
        epochs: Oldest first.

    Returns:
        The job's folder.

    Raises:
        MissingLibraryError: TensorBoard is not installed.
        OSError: The folder cannot be written.
    """
    try:
        from tensorboard.compat.proto.event_pb2 import Event
        from tensorboard.plugins.hparams.summary_v2 import hparams_pb
        from tensorboard.summary import Writer
        from tensorboard.summary.writer.event_file_writer import EventFileWriter
    except ImportError as error:
        raise MissingLibraryError("TensorBoard", "tensorboard") from error

    runs = folder / job.id
    for name, measured in (("train", training_of), ("validation", validation_of)):
        scalars = [(each, tag, value) for each in epochs for tag, value in measured(each)]
        if not scalars:
            continue
        writer = Writer(str(runs / name))
        for each, tag, value in scalars:
            writer.add_scalar(tag, value, each.epoch, wall_time=each.time.timestamp())
        writer.close()
    settings = EventFileWriter(str(runs))
    began = job.created_at.timestamp()
    summary = hparams_pb(settings_of(job), trial_id=job.id, start_time_secs=began)
    settings.add_event(Event(summary=summary, wall_time=began))
    settings.close()
    return runs
