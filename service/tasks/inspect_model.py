"""Looks into a model file."""

from pathlib import Path

from pippin.models.inspection import inspect
from service.tasks.describing import described


def inspect_model(path: str, name: str = "") -> object:
    """What the `.mlmodel` at `path` holds, as an `Inspection` in JSON.

    Raises:
        FaultyDocumentError: It holds no model that can be trained; it carries every reason.
    """
    return described(inspect(Path(path).read_bytes(), name))
