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
    """Prepare an upload; returns a `Prepared` in JSON.

    Args:
        files: Name, path, digest and size in bytes of each file.
        options: The fields of `DatasetOptions` that the request set.
        limits: The fields of `DatasetLimits`.
        folder: A scratch folder, which the caller removes.

    Raises:
        DatasetError: The upload or an option is at fault.
        DatasetTooLargeError: The upload exceeds a limit.
    """
    upload = Upload(tuple(UploadedFile(name, Path(path), digest, size) for name, path, digest, size in files))
    # A folder of its own: another child may have begun the same task and been lost.
    own_folder = Path(tempfile.mkdtemp(dir=folder))
    dataset = prepare(upload, DatasetOptions.model_validate(options), DatasetLimits(**limits), own_folder)
    return _PREPARED.dump_python(dataset, mode="json")


def prepared_from(document: object) -> Prepared:
    """The `Prepared` in the answer of `prepare_dataset`."""
    return _PREPARED.validate_python(document)


def preview_examples(about: dict[str, Any], columns: Sequence[tuple[str, str, list[int], str]]) -> Answer:
    """A `Preview` in JSON, in the attachment.

    Args:
        about: The preview's members other than `examples`.
        columns: For each feature its name, dtype, shape with all examples, and little-endian values in base 64.
    """
    arrays = {
        name: np.frombuffer(base64.b64decode(data), np.dtype(dtype).newbyteorder("<")).reshape(shape)
        for name, dtype, shape, data in columns
    }
    count = min(map(len, arrays.values()))
    examples = [{name: array[row].tolist() for name, array in arrays.items()} for row in range(count)]
    document = {**about, "examples": examples}
    return Answer(None, json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode())
