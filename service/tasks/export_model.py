"""Says what a model file holds in a language for people."""

import json
from pathlib import Path

from pippin.mlmodel import Model, open_model
from pippin.mlmodel.errors import ModelFileError
from pippin.swiftcoremltools import to_swift
from service.sandbox import Answer


def export_model(path: str, form: str) -> Answer:
    """The network in the `.mlmodel` at `path` as a document, which is what is attached.

    Args:
        path: A file.
        form: `pippin`, the spec language, without weights; or `swiftcoremltools`, with them, since that library reads
            no network that has none.

    Raises:
        FaultyDocumentError: The language cannot say it; it carries every reason.
    """
    model = open_model(Path(path).read_bytes())
    if not isinstance(model, Model):
        raise ModelFileError("found a model that is no single network; nothing but the file describes it whole")
    document = model.resolved.spec.document()
    if form == "swiftcoremltools":
        document = to_swift(document, model.weights)
    return Answer(None, json.dumps(document, ensure_ascii=False, allow_nan=False).encode())
