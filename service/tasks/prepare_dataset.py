"""Reads an upload of a dataset and writes its stored form."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import Prepared, prepare
from pippin.datasets.upload import Upload, UploadedFile

_PREPARED = TypeAdapter(Prepared)


def prepare_dataset(
    files: list[tuple[str, str, str, int]], options: Mapping[str, Any], limits: Mapping[str, int], folder: str
) -> object:
    """The upload as a `Prepared` in JSON.

    Args:
        files: Name, path, digest and size of each.
        options: Of `DatasetOptions`, those that were given.
        limits: Of `DatasetLimits`.
        folder: Room to work in, which the caller empties.

    Raises:
        DatasetError: The upload or an option is at fault.
        DatasetTooLargeError: It passes a limit.
    """
    upload = Upload(tuple(UploadedFile(name, Path(path), digest, size) for name, path, digest, size in files))
    # A room of its own: another child may have begun the same and been lost.
    room = Path(tempfile.mkdtemp(dir=folder))
    found = prepare(upload, DatasetOptions.model_validate(options), DatasetLimits(**limits), room)
    return _PREPARED.dump_python(found, mode="json")


def prepared_from(document: object) -> Prepared:
    """What `prepare_dataset` found."""
    return _PREPARED.validate_python(document)
