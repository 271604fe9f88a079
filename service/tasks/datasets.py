"""Tasks on datasets: read an upload and write its stored form; write examples as JSON."""

import base64
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from pippin.datasets.limits import DatasetLimits
from pippin.datasets.options import DatasetOptions
from pippin.datasets.prepare import Prepared, prepare
from pippin.datasets.upload import Upload, UploadedFile
from service.sandbox.messages import Answer

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
    dataset = prepare(upload, DatasetOptions.model_validate(options), DatasetLimits(**limits), room)
    return _PREPARED.dump_python(dataset, mode="json")


def prepared_from(document: object) -> Prepared:
    """What `prepare_dataset` found."""
    return _PREPARED.validate_python(document)


def preview_examples(about: dict[str, Any], columns: Sequence[tuple[str, str, list[int], str]]) -> Answer:
    """A `Preview` in JSON, which is what is attached.

    Args:
        about: The preview's members beside `examples`.
        columns: Name, dtype, shape of all examples together, and little-endian values in base 64 of each feature.
    """
    arrays = {
        name: np.frombuffer(base64.b64decode(data), np.dtype(dtype).newbyteorder("<")).reshape(shape)
        for name, dtype, shape, data in columns
    }
    count = min(map(len, arrays.values()))
    examples = [{name: array[row].tolist() for name, array in arrays.items()} for row in range(count)]
    document = {**about, "examples": examples}
    return Answer(None, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
