"""A model on disk as Core ML wants it: compiled, in a folder `.mlmodelc`."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from CoreML import MLModel
from Foundation import NSURL

from worker.engines.coreml.errors import checked


@contextmanager
def compiled(model: bytes) -> Iterator[Any]:
    """The URL of the compiled model, which is gone from the disk afterwards.

    Raises:
        EngineError: Core ML cannot compile it.
    """
    with tempfile.TemporaryDirectory(prefix="pippin-") as folder:
        path = Path(folder) / "model.mlmodel"
        path.write_bytes(model)
        url = checked(MLModel.compileModelAtURL_error_(NSURL.fileURLWithPath_(str(path)), None), "compile the model")
        try:
            yield url
        finally:
            # Core ML chooses the place itself.
            shutil.rmtree(str(url.path()), ignore_errors=True)
